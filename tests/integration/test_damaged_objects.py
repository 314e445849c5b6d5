"""Bytes that flip on the disk of a real MinIO: one object is damaged, and the others are read."""

import hashlib
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from common.errors import DependencyAwayError, ObjectDamagedError, ObjectMissingError, UnreadableError
from common.store.damage import read_or_damaged
from common.store.minio_store import MinioStore
from common.store.object_key import RAW, Location
from tests.support.flipped_byte import flip
from tests.support.own_minio import own_minio
from training_set.export.image_files import DAMAGED, ImageFiles, WantedImage

_SMALL, _LARGE = 1000, 3_000_000  # bytes; a small object lies in its xl.meta
_ACCEPTED_SECONDS = 20


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MinioStore, Path]]:
    """A store and the folder of its bucket raw on the disk."""
    folder = tmp_path_factory.mktemp("minio")
    with own_minio(folder) as (store, _):
        yield store, folder / "data" / RAW


def _damage(folder: Path, name: str) -> None:
    """Damage the description, the content in the description, or the content beside it."""
    if name == "description":
        flip(folder / "xl.meta", 60)
    elif name == "small":
        flip(folder / "xl.meta", -100)
    else:
        flip(next(folder.rglob("part.1")), 1_500_000 if name == "middle" else 500_000)


@pytest.mark.parametrize("name", ["description", "small", "large", "middle"])
def test_a_flipped_byte_damages_one_object(disk: tuple[MinioStore, Path], name: str) -> None:
    """The object is told to be damaged within seconds, whichever of its bytes it is; the next one is read."""
    store, folder = disk
    size = _LARGE if name in {"large", "middle"} else _SMALL
    location, good = Location(RAW, f"{name}/object"), Location(RAW, f"{name}/good")
    for at in (location, good):
        store.put(at, os.urandom(size), content_type="text/plain")
    _damage(folder / name / "object", name)
    started = time.monotonic()
    with pytest.raises(ObjectDamagedError, match="damaged"):
        read_or_damaged(store, location, partial(store.read_now, location))
    assert time.monotonic() - started < _ACCEPTED_SECONDS
    assert size == len(read_or_damaged(store, good, partial(store.read_now, good)))
    if name == "description":
        with pytest.raises(UnreadableError):
            store.exists(location)
        store.delete_damaged(location)
        assert not store.exists(location)
        store.put(location, b"again", content_type="text/plain")
        assert b"again" == store.read_now(location)


def test_a_store_that_is_away_is_not_damage(tmp_path: Path) -> None:
    """If no object can be read, none is told to be damaged."""
    with own_minio(tmp_path) as (store, process):
        location = Location(RAW, "a")
        store.put(location, b"x", content_type="text/plain")
        process.kill()
        process.wait(timeout=30)
        with pytest.raises(DependencyAwayError):
            read_or_damaged(store, location, partial(store.read_now, location))


def test_the_only_object_is_not_called_damaged(tmp_path: Path) -> None:
    """Without another object that can be read, the store may be away."""
    with own_minio(tmp_path) as (store, _):
        location = Location(RAW, "a")
        store.put(location, os.urandom(_SMALL), content_type="text/plain")
        flip(tmp_path / "data" / RAW / "a" / "xl.meta", -100)
        with pytest.raises(UnreadableError):
            read_or_damaged(store, location, partial(store.read_now, location))


def test_an_export_names_a_damaged_picture(disk: tuple[MinioStore, Path], tmp_path: Path) -> None:
    """The cause of a damaged picture is its own, and the other pictures are written."""
    store, folder = disk
    bodies = {name: os.urandom(_SMALL) for name in ("one", "two")}
    for name, body in bodies.items():
        store.put(Location(RAW, f"export/{name}"), body, content_type="image/png")
    flip(folder / "export" / "one" / "xl.meta", -100)
    wanted = [
        WantedImage(name, name, Location(RAW, f"export/{name}"), hashlib.sha256(body).hexdigest())
        for name, body in bodies.items()
    ]
    assert {"one": DAMAGED} == ImageFiles(tmp_path, store).fetch_all(wanted, lambda: None)
    assert bodies["two"] == (tmp_path / "two").read_bytes()


def test_a_hidden_object_exists(disk: tuple[MinioStore, Path]) -> None:
    """MinIO does not list an object below another's key; asked for it, it says that it is there."""
    store, _ = disk
    for key in ("hidden/case", "hidden/case/1.dcm"):
        store.put(Location(RAW, key), b"x", content_type="text/plain")
    assert ["hidden/case"] == [each.version.location.key for each in store.list_prefix(RAW, "hidden/")]
    assert store.exists(Location(RAW, "hidden/case/1.dcm"))
    assert not store.exists(Location(RAW, "hidden/case/2.dcm"))
    with pytest.raises(ObjectMissingError):
        store.stat(Location(RAW, "hidden/case/2.dcm"))
