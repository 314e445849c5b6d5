"""Whether the packages that read text are installed, without importing them or OpenCV."""

from functools import cache
from importlib.util import find_spec


@cache
def can_read() -> bool:
    """Whether the reader's packages are installed."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None
