"""The pictures of held files, drawn in a sandbox for the person who decides about them."""
