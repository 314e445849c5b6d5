"""A Synology NAS, accessed through its File Station API."""
