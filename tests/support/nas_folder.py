"""Folders dropped on a mounted share, and what a home finds in them."""

from pathlib import Path
from typing import Any

from tests.support.local_home import RunningHome, wait_for

NAS_SETTINGS = {
    "DCM2SET_NAS_QUIET_SECONDS": "0.5",
    "DCM2SET_NAS_POLL_SECONDS": "0.5",
    "DCM2SET_SWEEP_SECONDS": "2",
}


def drop(nas: Path, name: str, files: dict[str, bytes]) -> None:
    """Copy files into a new folder of the NAS, as a user would: the folder appears first."""
    for path, body in files.items():
        target = nas / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)


def balance_of(home: RunningHome, number: int) -> dict[str, Any]:
    """The balance, once at least `number` files were found and nothing waits."""
    wait_for(lambda: home.status()["balance"]["files_found"] >= number, seconds=60, pause=0.2)
    return dict(home.wait_until_idle()["balance"])
