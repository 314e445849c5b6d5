"""Pictures as PNG files: writing and reading."""
