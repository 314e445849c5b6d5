"""Frozen versions of a training set."""
