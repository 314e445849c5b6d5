"""Training sets: select images, split them by patient, freeze a numbered version, export it to a folder."""
