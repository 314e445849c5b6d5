"""quality: judges images."""
