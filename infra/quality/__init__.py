"""The command quality."""
