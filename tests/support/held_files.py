"""Files that are held because they say that text is burned in, and the browser's way to them."""

import io
import re
from collections.abc import Sequence

import numpy as np
from playwright.sync_api import Page
from pydicom.uid import generate_uid

from common.store.object_key import Location
from tests.support.factories import make_dataset, make_grey
from tests.support.local_home import Row, RunningHome, wait_for

ROWS, COLUMNS = 96, 128
DEVICES = ("ACME <script>alert(1)</script>", "Other & Sons")
PASSWORD = "a long password"


def held_file(number: int, *, seed: int | None = None, frames: int = 1, size: int | None = None) -> bytes:
    """A grey file of noise with a window of its own; equal seeds give equal pixels."""
    noise = np.random.default_rng(number if seed is None else seed)
    plane = (size, size) if size else (ROWS, COLUMNS)
    shape = (frames, *plane) if frames > 1 else plane
    ds = make_grey(
        noise.integers(0, 220, shape, dtype=np.uint8),
        BurnedInAnnotation="YES",
        WindowCenter=128,
        WindowWidth=256,
        PatientName="Planted^Marker",
        PatientID=f"held-{number}",
        Manufacturer=DEVICES[number % len(DEVICES)],
        SOPInstanceUID=generate_uid(),
        StudyInstanceUID=generate_uid(),
        SeriesInstanceUID=generate_uid(),
    )
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    body = io.BytesIO()
    ds.save_as(body, enforce_file_format=True)
    return body.getvalue()


def held_slice() -> bytes:
    """A real slice of a CT that says that text is burned in."""
    ds = make_dataset(
        BurnedInAnnotation="YES",
        SOPInstanceUID=generate_uid(),
        StudyInstanceUID=generate_uid(),
        SeriesInstanceUID=generate_uid(),
    )
    body = io.BytesIO()
    ds.save_as(body, enforce_file_format=True)
    return body.getvalue()


def put_held(home: RunningHome, files: Sequence[bytes], *, name: str = "held") -> list[Row]:
    """Put files, and wait until all of them are held; returns their rows in order of their numbers."""
    for number, body in enumerate(files):
        home.put(f"incoming/{name}/Planted^Marker-{number}.dcm", body)

    def held() -> list[Row] | None:
        rows = home.rows(
            "select * from ledger_item where state = 'held' and bucket = 'raw' and key like %s order by id",
            f"incoming/{name}/%",
        )
        return rows if len(rows) == len(files) else None

    found = wait_for(held, seconds=120)
    assert found, f"not all are held: {home.status()}"
    return found


def sign_in(home: RunningHome, page: Page, *roles: str, name: str = "nurse") -> str:
    """Sign in as a new user with these roles; returns the address of the page without a slash at the end."""
    options = [option for role in roles for option in ("--role", role)]
    added = home.run_cli("users add", name, *options)
    assert added.returncode == 0, added.stderr
    page.goto(added.stdout.strip())
    page.get_by_label(re.compile("Password")).fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("heading", name="Overview").wait_for()
    return str(home.endpoints["functions"]["review"]).rstrip("/")


def pixels_in(home: RunningHome, bucket: str, key: str) -> bytes:
    """The body of an object."""
    return home.store.read(home.store.stat(Location(bucket, key)))
