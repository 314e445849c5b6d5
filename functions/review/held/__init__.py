"""The held files: what they show, and the decisions about them."""
