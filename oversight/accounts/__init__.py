"""Local accounts of the page."""
