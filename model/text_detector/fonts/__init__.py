"""Fonts of many kinds, in two halves, and the words that are drawn with them."""
