"""Everything that happened to one file or image."""
