"""De-identifying header elements: PS3.15 Table E.1-1, its options, and lists of allowed words."""
