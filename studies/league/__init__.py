"""The league table: which methods there are, what became of their runs, what was published of them, pictures."""
