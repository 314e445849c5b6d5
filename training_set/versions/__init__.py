"""Freeze numbered versions of a training set, store them and compare them."""
