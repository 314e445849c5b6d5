"""Write a file that only its owner can read, completely or not at all."""

import os
import secrets
from pathlib import Path

from common.errors import PermanentError


def write_private(path: Path, body: bytes) -> None:
    """Write a file with mode 0600, whatever mode a file of that name had; PermanentError if it can't be.

    The content is on the disk before the name is, so that a crash leaves the old file or the new one.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise PermanentError(f"Can't write the file of --out ({error.strerror}).") from None
    finally:
        part.unlink(missing_ok=True)
