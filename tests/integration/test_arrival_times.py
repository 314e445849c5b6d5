"""The attack by arrival: a study that arrives when it was taken must not give away a date shift."""

import re
import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from tests.support.set_rows import SetImage
from tests.support.training_set_site import Site

ARRIVED = date(2024, 3, 5)  # also the true date of the newer study
SHIFT = timedelta(days=5000)
OLD_STUDY = date(2011, 7, 20)  # the true date that the attack is after
_DAY = re.compile(r"(20\d\d)[-_/.]?([01]\d)[-_/.]?([0-3]\d)")


@pytest.fixture
def bucket(site: Site) -> Iterator[str]:
    """An image bucket with the name that extract gives it."""
    name = f"images-{ARRIVED:%Y%m%d}-101500-{secrets.randbelow(10**6):06}"
    site.store.ensure_bucket(name)
    site.bucket, before = name, site.bucket
    yield name
    for found in site.store.list_prefix(name, ""):
        site.store.delete(found.version)
    site.store.client.remove_bucket(name)
    site.bucket = before


@pytest.fixture
def images(site: Site, bucket: str) -> list[SetImage]:
    """Images that arrived on the day of their studies, with the shifted dates of these."""
    dates = [ARRIVED - SHIFT, OLD_STUDY - SHIFT, *[date(2009, 1, 5) + timedelta(days=n) for n in range(8)]]
    images = site.add([SetImage(n, study_date=day) for n, day in enumerate(dates, 1)])
    with psycopg.connect(site.url) as connection:
        for table in ("patient", "study", "series", "instance", "image"):
            connection.execute(f"update {table} set created_at = %s", [ARRIVED])
    return images


def attack(text: str) -> set[date]:
    """The old study's dates that follow from every date in a text, if it were the day of arrival."""
    days = set()
    for found in _DAY.finditer(text):
        try:
            days.add(date(*map(int, found.groups())))
        except ValueError:
            continue
    shifts = {day - (ARRIVED - SHIFT) for day in days}
    return {OLD_STUDY - SHIFT + shift for shift in shifts}


def texts_of(folder: Path) -> Iterator[tuple[str, str]]:
    """The content of every file that leaves, Parquet as its values."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            yield path.name, str(pq.read_table(path).to_pylist()) + str(pq.read_metadata(path).metadata)
        elif path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes().decode("latin-1")


@pytest.mark.parametrize("how", ["copy", "reference"])
def test_an_export_does_not_tell_when_a_study_arrived(
    site: Site, images: list[SetImage], name: str, tmp_path: Path, how: str
) -> None:
    """No file of an exported folder, no name in it, and no frozen file has the day of arrival."""
    site.export(name, tmp_path / "set", "--images", how)
    texts = dict(texts_of(tmp_path / "set"))
    assert len(texts) > 5
    assert {} == {file: text for file, text in texts.items() if OLD_STUDY in attack(f"{file} {text}")}
    # The attack does work where the bucket is known, as in what the export writes for readers of the store.
    assert OLD_STUDY in attack(site.bucket)
    assert (how == "reference") == (tmp_path / "set.references.csv").exists()


def test_references_are_for_their_owner_only(
    site: Site, images: list[SetImage], name: str, tmp_path: Path
) -> None:
    """The file of locations is beside the folder and readable by its owner only."""
    site.export(name, tmp_path / "set", "--images", "reference")
    path = tmp_path / "set.references.csv"
    assert 0o600 == path.stat().st_mode & 0o777
    assert f"s3://{site.bucket}/{images[0].key}" in path.read_text()


def test_a_selection_can_not_ask_for_the_arrival(
    site: Site, images: list[SetImage], name: str, tmp_path: Path
) -> None:
    """A selection by bucket would print the day of arrival in the manifest, and is refused."""
    done = site.run(
        "export", name, "--out", str(tmp_path / "a"), "--where", "bucket like 'images-2024%'", code=2
    )
    assert "There is no column 'bucket'" in done.stderr


def test_the_overview_does_not_tell_when_a_study_arrived(site: Site, images: list[SetImage]) -> None:
    """The view has neither the bucket nor a time, but still the key."""
    rows: list[Any] = site.rows("select to_jsonb(o)::text from image_overview o")
    assert len(images) == len(rows)
    assert not [row for row in rows if OLD_STUDY in attack(row[0])]
    assert all('"key"' in row[0] for row in rows)


def test_labelling_tasks_do_not_tell_when_a_study_arrived(
    site: Site, images: list[SetImage], name: str
) -> None:
    """Tasks and the copies that they name lie in a bucket without a time, and their keys have none."""
    site.run("tasks", name)
    try:
        found = list(site.store.list_prefix("labelling", f"{name}/"))
        assert 2 * len(images) == len(found)
        texts = {f"s3://labelling/{each.version.location.key}": each for each in found}
        bodies = [
            site.store.read(each.version).decode() for key, each in texts.items() if key.endswith("json")
        ]
        assert not [text for text in [*texts, *bodies] if OLD_STUDY in attack(text)]
        assert all('"image":"s3://labelling/' in body for body in bodies)
    finally:
        site.run("tasks", name, "--remove")
