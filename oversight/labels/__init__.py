"""What is known of the labels, for the shell and the page."""
