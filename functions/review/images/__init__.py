"""De-identified pictures for every page."""
