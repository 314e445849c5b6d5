"""The commands export, diff and verify."""
