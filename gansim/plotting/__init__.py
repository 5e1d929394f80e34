"""Pictures of any frame of runs, one axes each, reached as ``gansim.plot``; and how every picture of gansim looks."""
