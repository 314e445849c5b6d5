"""Degradations and mild changes of pictures for training."""
