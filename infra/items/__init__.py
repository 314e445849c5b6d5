"""The commands trace, replay and release."""
