"""The functions, one folder each."""
