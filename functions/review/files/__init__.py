"""The files that the numbers of the overview count, whatever became of them."""
