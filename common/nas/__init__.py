"""The NAS: its port, a mounted share, and a Synology NAS."""
