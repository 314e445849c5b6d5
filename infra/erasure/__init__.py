"""The erasure of a patient from every bucket and table, and of what was asked for on the page."""
