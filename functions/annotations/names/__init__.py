"""Which names of labels, annotators and images may be stored: none that may identify a patient."""
