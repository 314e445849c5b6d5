"""De-identifying pixel data: burned-in text gate, blanking, text recognition, hidden data in streams."""
