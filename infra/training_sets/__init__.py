"""The commands export, diff, verify and sets."""
