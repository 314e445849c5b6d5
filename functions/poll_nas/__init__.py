"""poll_nas: copies new folders from the NAS into raw."""
