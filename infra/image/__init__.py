"""Container images: one for all functions, one for MinIO; how they are built, and what a container starts."""
