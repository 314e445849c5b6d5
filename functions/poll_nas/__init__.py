"""poll_nas: new folders from the NAS."""
