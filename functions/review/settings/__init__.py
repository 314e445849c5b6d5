"""The settings in force, as operators see them."""
