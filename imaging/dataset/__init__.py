"""Elements of a data set: reading one value, encoding a whole data set."""
