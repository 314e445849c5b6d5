"""Text and JSON of label files, read in pieces."""
