"""Training and measuring the detector of text that was drawn into pictures."""
