"""annotations: labels from files."""
