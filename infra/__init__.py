"""Everything around the functions: setting up, running, looking, mending."""
