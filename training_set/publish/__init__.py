"""Copy a finished export to a folder or an S3 bucket, and verify it there. Nothing is overwritten."""
