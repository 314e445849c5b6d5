"""The folders of the NAS, and what became of their files."""
