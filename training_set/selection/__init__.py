"""Which images a training set has: the selection, its fields, and their rows."""
