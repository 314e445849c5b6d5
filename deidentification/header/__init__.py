"""De-identifying the data set: PS3.15 Table E.1-1, its options, and the words that may stay."""
