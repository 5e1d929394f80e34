"""The options of studies and the `gansim` command."""
