"""The object stores that the local runner can start."""
