"""Any item, file or image: everything that happened to it, and its pictures."""
