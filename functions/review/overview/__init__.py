"""The overview: where everything is."""
