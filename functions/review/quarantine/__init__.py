"""What could not be worked on, and putting it back."""
