"""Stores the rows of label files in the database, by a direct or a staged import."""
