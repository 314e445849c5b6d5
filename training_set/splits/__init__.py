"""Splits by patient, and duplicates that must not be in two of them."""
