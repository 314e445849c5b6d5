"""The commands labels and tasks."""
