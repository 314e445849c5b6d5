"""The demonstration: real DICOM files in a NAS folder pass the complete pipeline; the balance closes."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.database import connect
from common.process.end_signal import ended_by_signal
from common.settings import load_settings
from common.store.minio_store import MinioStore
from common.store.object_key import ANNOTATIONS, Location
from infra.command_options import operator_database
from infra.demo.contact_sheet import draw_contact_sheet
from infra.demo.demo_files import create_nas_folders
from infra.health.status import is_closed, is_waiting, read_status
from infra.health.status_text import balance_text, set_aside_text
from infra.local.home import Home
from infra.local.runner import running
from oversight.accounts.first_link import page_sentence

Say = Callable[[str], None]
LIMIT_SECONDS = 120
# A name of the form that pseudonyms have.
_UNKNOWN_IMAGE = "2.25.313825650015081931513635959620605708056/1.png"
_SETTINGS = {
    "DCM2SET_NAS_QUIET_SECONDS": "1",
    "DCM2SET_NAS_POLL_SECONDS": "1",
    "DCM2SET_SWEEP_SECONDS": "3",
}


def run_demo(folder: Path | None, say: Say, *, stay: bool = False, store: str | None = None) -> int:
    """Run the demonstration; returns exit code 0 only if the balance closes and nothing waits.

    With `stay`, the home keeps running until Ctrl-C, for a look at the page.
    """
    folder = (folder or Path("dcm2set-home") / f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}").resolve()
    nas = folder / "nas"
    nas.mkdir(parents=True)
    number = create_nas_folders(nas)
    say(f"{number} files in {len(list(nas.iterdir()))} folders on the NAS {nas}, some of them junk.")
    home = Home(folder)
    variables = _SETTINGS | {"DCM2SET_NAS_URL": nas.as_uri()}
    variables |= {"DCM2SET_LOCAL_STORE": store} if store else {}
    with _environment(variables), running(home, settings := load_settings(), say) as run:
        code = _follow(home, run.endpoints, number, say)
        if stay:
            ended = ended_by_signal()
            with operator_database(run.endpoints) as database:
                say(page_sentence(database, settings, run.endpoints["functions"]["review"]))
            say("Ctrl-C ends everything.")
            run.watch(ended)
        else:
            say(f"To decide about the held files on the page: {sys.argv[0]} demo --stay")
        return code


def _follow(home: Home, endpoints: dict[str, Any], number: int, say: Say) -> int:
    """Wait until all files and a label file have passed the pipeline; print what became of them."""
    store = MinioStore(**endpoints["minio"])
    _wait_until_settled(endpoints, store, number, say)
    _put_labels(endpoints, store)
    say("Put a label file into the bucket annotations.")
    _wait_for_labels(endpoints, store)
    status = read_status(endpoints["database_url"], store)
    sheet = home.folder / "contact-sheet.png"
    with connect(endpoints["database_url"]) as connection:
        draw_contact_sheet(connection, store, sheet)
    say(f"\n{balance_text(status['balance'])}\n\n{set_aside_text(status['aside'])}\n")
    labels = status["labels"]
    say(f"Labels: {labels['on_images']} on images, {labels['held']} held for images that are not known yet.")
    say(f"Contact sheet of good and suboptimal images: {sheet}")
    say("Images: buckets images-* and suboptimal. Rows: Postgres view image_overview.")
    say("Labels: Postgres view current_label.")
    say(f"Everything stays in {home.folder}. To look at it: {sys.argv[0]} up --home {home.folder}")
    is_finished = is_closed(status) and not is_waiting(status)
    say(
        "The balance is closed, and nothing waits."
        if is_finished
        else "The balance is NOT closed, or work waits."
    )
    return 0 if is_finished else 1


def _wait_until_settled(endpoints: dict[str, Any], store: MinioStore, number: int, say: Say) -> None:
    """Wait until every file was found and nothing waits; print each change."""
    started, last = time.monotonic(), ""
    while time.monotonic() - started < LIMIT_SECONDS:
        status = read_status(endpoints["database_url"], store)
        balance = status["balance"]
        checked = sum(balance[f"images_{verdict}"] for verdict in ("good", "review", "black", "low_quality"))
        line = (
            f"{balance['files_found']} of {number} files found, {balance['files_waiting']} waiting, "
            f"{balance['files_extracted']} extracted, {checked} of {balance['frames']} images checked, "
            f"difference {balance['files_difference']} / {balance['images_difference']}"
        )
        if line != last:
            say(f"{time.monotonic() - started:5.1f} s  {line}")
            last = line
        if balance["files_found"] >= number and not is_waiting(status):
            return
        time.sleep(0.5)


def _put_labels(endpoints: dict[str, Any], store: MinioStore) -> None:
    """Put labels of some of the images, one of an unknown image, and one invalid row."""
    with connect(endpoints["database_url"]) as connection:
        rows = connection.execute(
            "select key, modality from image_overview where verdict = 'good' order by key limit 6"
        ).fetchall()
    if not rows:
        return  # the status says why
    lines = ["image,label,value"]
    lines += [f"{key},{modality.lower()} image,1" for key, modality in rows]
    lines += [f"{_UNKNOWN_IMAGE},fracture,1", f"{rows[0][0]},fracture,perhaps"]
    body = "\n".join(lines).encode()
    store.put(Location(ANNOTATIONS, "first labels.csv"), body, content_type="text/csv")


def _wait_for_labels(endpoints: dict[str, Any], store: MinioStore) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        status = read_status(endpoints["database_url"], store)
        if status["labels"]["files"] and not is_waiting(status):
            return
        time.sleep(0.2)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables, which the functions started meanwhile inherit; restore them at the end."""
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
