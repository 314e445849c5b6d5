"""The object store: the port, MinIO, object keys, and event records."""
