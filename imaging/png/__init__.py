"""Reading PNG files as pictures."""
