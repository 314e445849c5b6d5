"""The commands nas check and nas trust."""
