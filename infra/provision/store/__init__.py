"""Users, buckets and notifications of the object store."""
