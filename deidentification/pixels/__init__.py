"""De-identifying pixel data: the burned-in text gate, blanking by device, text in pictures."""
