"""store_metadata: stores metadata documents as rows."""
