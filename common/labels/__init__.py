"""Reads the text and JSON of label files piece by piece."""
