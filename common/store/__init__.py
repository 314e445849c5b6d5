"""The object store: its port, MinIO, keys of objects, and event records."""
