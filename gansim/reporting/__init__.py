"""Tables' figures, pictures of one run, and the report of a study."""
