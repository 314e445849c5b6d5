"""The command line, and everything around the functions: setup, running, monitoring, repair."""
