"""Data sets: reading one element, encoding a complete data set."""
