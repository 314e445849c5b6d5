"""Setting up the database, the object store, and the rights of every function."""
