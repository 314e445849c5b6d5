"""Files that only their owner can read."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_private(path: Path, content: Mapping[str, Any] | str) -> None:
    """Write text or JSON into a file that only its owner can read; an interruption leaves the old file."""
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)  # an existing file would keep its mode
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content if isinstance(content, str) else json.dumps(content, indent=2))
    part.replace(path)
