"""Training sets: selected, split by patient, frozen under a number, and written to folders."""
