"""The demonstration: real DICOM files on a folder NAS, through the whole line, to the balance."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from common.settings import load_settings
from common.store.minio_store import MinioStore
from common.store.object_key import ANNOTATIONS, Location
from infra.demo.contact_sheet import draw_contact_sheet
from infra.demo.demo_files import lay_out_nas
from infra.health.status import is_closed, is_waiting, read_status
from infra.health.status_text import aside_text, balance_text
from infra.local.home import Home
from infra.local.runner import running

Tell = Callable[[str], None]
LIMIT_SECONDS = 120
_SETTINGS = {
    "DCM2SET_NAS_QUIET_SECONDS": "1",
    "DCM2SET_NAS_POLL_SECONDS": "1",
    "DCM2SET_SWEEP_SECONDS": "3",
    "DCM2SET_SWEEP_GRACE_SECONDS": "3",
}


def run_demo(folder: Path | None, tell: Tell) -> int:
    """Run it; returns 0 only if the balance closes and nothing waits."""
    folder = (folder or Path("dcm2set-home") / f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}").resolve()
    nas = folder / "nas"
    nas.mkdir(parents=True)
    number = lay_out_nas(nas)
    tell(f"{number} files in {len(list(nas.iterdir()))} folders on the NAS {nas}, junk among them.")
    home = Home(folder)
    variables = _SETTINGS | {"DCM2SET_NAS_URL": nas.as_uri()}
    with _environment(variables), running(home, load_settings(), tell) as run:
        return _shown(home, run.endpoints, number, tell)


def _shown(home: Home, endpoints: dict[str, Any], number: int, tell: Tell) -> int:
    store = MinioStore(**endpoints["minio"])
    _wait_until_settled(endpoints, store, number, tell)
    _drop_labels(endpoints, store)
    tell("Dropped a label file into the bucket annotations.")
    _wait_for_labels(endpoints, store)
    told = read_status(endpoints["database_url"], store)
    sheet = home.folder / "contact-sheet.png"
    with psycopg.connect(endpoints["database_url"]) as connection:
        draw_contact_sheet(connection, store, sheet)
    tell(f"\n{balance_text(told['balance'])}\n\n{aside_text(told['aside'])}\n")
    labels = told["labels"]
    tell(f"Labels: {labels['on_images']} on images, {labels['held']} held for images not known yet.")
    tell(f"A contact sheet of good and suboptimal images: {sheet}")
    tell("Images: MinIO buckets images-* and suboptimal; rows: Postgres view image_overview; labels: view")
    tell(
        f"current_label. They stay in {home.folder}; look at them with: {sys.argv[0]} up --home {home.folder}"
    )
    closed = is_closed(told) and not is_waiting(told)
    tell(
        "The balance is closed, and nothing waits." if closed else "The balance is NOT closed, or work waits."
    )
    return 0 if closed else 1


def _wait_until_settled(endpoints: dict[str, Any], store: MinioStore, number: int, tell: Tell) -> None:
    """Until every file was found and nothing waits, telling what changes."""
    started, last = time.monotonic(), ""
    while time.monotonic() - started < LIMIT_SECONDS:
        told = read_status(endpoints["database_url"], store)
        balance = told["balance"]
        checked = balance["images_good"] + balance["images_black"] + balance["images_low_quality"]
        line = (
            f"{balance['files_found']} of {number} files found, {balance['files_waiting']} waiting, "
            f"{balance['files_extracted']} extracted, {checked} of {balance['frames']} images checked, "
            f"difference {balance['files_difference']} / {balance['images_difference']}"
        )
        if line != last:
            tell(f"{time.monotonic() - started:5.1f} s  {line}")
            last = line
        if balance["files_found"] >= number and not is_waiting(told):
            return
        time.sleep(0.5)


def _drop_labels(endpoints: dict[str, Any], store: MinioStore) -> None:
    """Labels for some of the images, one for an unknown image, and one wrong row."""
    with psycopg.connect(endpoints["database_url"]) as connection:
        rows = connection.execute(
            "select bucket, key, modality from image_overview where verdict = 'good' order by key limit 6"
        ).fetchall()
    lines = ["image,label,value"]
    lines += [f"s3://{bucket}/{key},{modality.lower()} image,1" for bucket, key, modality in rows]
    lines += ["1.2.3.4/1.png,fracture,1", f"{rows[0][1]},fracture,perhaps"]
    body = "\n".join(lines).encode()
    store.put(Location(ANNOTATIONS, "first labels.csv"), body, content_type="text/csv")


def _wait_for_labels(endpoints: dict[str, Any], store: MinioStore) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        told = read_status(endpoints["database_url"], store)
        if told["labels"]["files"] and not is_waiting(told):
            return
        time.sleep(0.2)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set variables for the functions that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
