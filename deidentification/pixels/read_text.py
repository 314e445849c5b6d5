"""Text read in a picture by Tesseract, where it is installed: a second net, never a proof.

It reads names in dark corners well and over anatomy hardly ever.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache

from deidentification.identity import Identity

SECONDS = 60
# Sparse text: as much as can be found, in no order.
_COMMAND = ("tesseract", "stdin", "stdout", "--psm", "11")


@cache
def can_read_text() -> bool:
    """Whether Tesseract is there."""
    return shutil.which(_COMMAND[0]) is not None


def identity_in_pictures(pngs: Iterable[bytes], identity: Identity) -> str | None:
    """The keyword of an identifying attribute of which a word is read in a picture, or None."""
    return next((found for png in pngs if (found := identity.found_in(read_text(png)))), None)


def read_text(png: bytes) -> str:
    """The text that is read in a PNG; none if it takes over a minute or can't be read."""
    environment = {"PATH": os.environ.get("PATH", ""), "OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(  # noqa: S603 nothing of the file is in the command
            _COMMAND, input=png, capture_output=True, timeout=SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.decode("utf-8", "replace")
