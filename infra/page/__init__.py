"""The commands for the page: its users and its first link."""
