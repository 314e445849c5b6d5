"""Text that was drawn into a picture: finding it in milliseconds, and reading what was found."""
