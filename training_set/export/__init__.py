"""Export a frozen version to a folder, and verify the folder."""
