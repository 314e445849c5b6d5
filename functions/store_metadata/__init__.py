"""store_metadata: rows from metadata."""
