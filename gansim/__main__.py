"""``python -m gansim``: the `gansim` command, for an environment whose scripts are not on the path."""

from gansim.command_line.commands import main

raise SystemExit(main())
