"""The functions, a folder each."""
