"""Setting up a database and an object store that are there already: dcm2set provision."""
