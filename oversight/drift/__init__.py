"""Drift: whether a week of images differs from training or from the weeks before."""
