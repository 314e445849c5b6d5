"""Damage on the disk of an object store."""

from pathlib import Path


def flip(path: Path, position: int) -> None:
    """Change one byte of a file."""
    body = bytearray(path.read_bytes())
    body[position] ^= 0xFF
    path.write_bytes(body)
