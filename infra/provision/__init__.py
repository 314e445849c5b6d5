"""Setup of the database and the object store, with the rights of every function."""
