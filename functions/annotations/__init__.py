"""annotations: imports labels from files."""
