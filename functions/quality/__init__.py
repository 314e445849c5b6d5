"""quality: verdicts on images."""
