"""The labels: their numbers, the agreement of readers, and the images on which they differ."""
