"""A Synology NAS over its File Station API."""
