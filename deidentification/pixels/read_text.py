"""Reading text in pictures with Tesseract, if it is installed: a second check, not a proof.

Tesseract reads text on a dark background well, but hardly ever text over anatomy.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache

from deidentification.identity import Identity

TIMEOUT_SECONDS = 60
# --psm 11: sparse text, as much as possible, in no particular order.
_COMMAND = ("tesseract", "stdin", "stdout", "--psm", "11")


@cache
def can_read_text() -> bool:
    """Whether Tesseract is installed."""
    return shutil.which(_COMMAND[0]) is not None


def identity_in_pictures(pngs: Iterable[bytes], identity: Identity) -> str | None:
    """The keyword of an identifying attribute that has a word in one of the pictures, or None."""
    return next((found for png in pngs if (found := identity.found_in(read_text(png)))), None)


def read_text(png: bytes) -> str:
    """The text in a PNG; empty if Tesseract fails or takes longer than a minute."""
    environment = {"PATH": os.environ.get("PATH", ""), "OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(  # noqa: S603 no part of the file is in the command
            _COMMAND, input=png, capture_output=True, timeout=TIMEOUT_SECONDS, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout.decode("utf-8", "replace")
