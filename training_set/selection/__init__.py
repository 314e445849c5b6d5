"""Select the images of a training set and read their rows."""
