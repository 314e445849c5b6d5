"""Pictures of held files, drawn for the page."""
