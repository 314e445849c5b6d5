"""Label rows in the database."""
