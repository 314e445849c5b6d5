"""The commands quality and train."""
