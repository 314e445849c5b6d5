"""The certificates of a base image's CAs, also where no script of its packages has joined them to one file.

Build stages run this file alone: ``python3 certificates.py FILE``
"""

import sys
from pathlib import Path

JOINED = Path("/etc/ssl/certs/ca-certificates.crt")
_SINGLE = Path("/usr/share/ca-certificates/mozilla")


def certificates(joined: Path = JOINED, single: Path = _SINGLE) -> str:
    """The certificates, in PEM; FileNotFoundError if the base image has none."""
    files = [joined] if joined.exists() else sorted(single.glob("*.crt"))
    if not files:
        raise FileNotFoundError(f"The base image has neither {joined} nor certificates in {single}.")
    return "".join(path.read_text(encoding="ascii").rstrip("\n") + "\n" for path in files)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(certificates(), encoding="ascii")
