"""Reads label files of every form as label rows."""
