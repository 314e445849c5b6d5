"""Writing a frozen version to a folder, and verifying it."""
