"""Split images by patient, so that duplicates never lie in two splits."""
