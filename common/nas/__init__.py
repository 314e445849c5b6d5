"""The NAS: the port, and its implementations for a mounted share and a Synology NAS."""
