"""Real files without drawn texts: which of them are held for text nevertheless, and which are held at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom

from benchmarks.support.privacy.outcomes import PROFILES, prepare
from benchmarks.support.privacy.picture_files import write_picture
from benchmarks.support.privacy.watched_reader import WatchedReader
from common.errors import NoPictureError, PermanentError
from model.text_detector.fonts.designs import Half
from model.text_detector.pictures import SOURCES_WITH_TEXT, other_files, sources
from model.training.sources.packages import PACKAGES

_TEST_FILES = ("pydicom", "pydicom-data")


@dataclass(frozen=True)
class CleanPicture:
    """A picture without text, prepared with the profile that lets the text search decide."""

    modality: str
    source: str
    is_reader_asked: bool
    is_held_for_text: bool


@dataclass(frozen=True)
class PackageFile:
    """A test file of a package that can be decoded, and why each profile holds it, if it does."""

    path: Path
    package: str
    causes: dict[str, str | None]  # by profile


def clean_pictures(folder: Path, reader: WatchedReader, *, largest: int) -> Iterator[CleanPicture]:
    """The pictures of the measured half that hold no text of their own, as seen by eye beforehand.

    The other test files of pydicom and pydicom-data are sent through the product as they are.
    Pictures with more pixels than `largest` are left out.
    """
    path = folder / "clean.dcm"
    for source in sources(Half.MEASURED):
        for picture in source.pictures if source.name not in SOURCES_WITH_TEXT else ():
            if picture.shape[0] * picture.shape[1] <= largest:
                write_picture(path, picture, source.modality)
                yield _prepared(path, source.modality, source.name, reader)
    paths = {path.stem: path for package in reversed(_TEST_FILES) for path in _paths(package)}
    for name, picture in other_files():
        if picture.shape[0] * picture.shape[1] <= largest:
            modality = str(pydicom.dcmread(paths[name], specific_tags=["Modality"]).get("Modality", "none"))
            yield _prepared(paths[name], modality, f"{name}.dcm", reader)


def _prepared(path: Path, modality: str, source: str, reader: WatchedReader) -> CleanPicture:
    before = reader.requests
    with reader.installed():
        prepared = prepare(path, PROFILES["reader"])
    is_held_for_text = prepared.found is not None and prepared.found.finding != "nothing"
    return CleanPicture(modality, source, reader.requests > before, is_held_for_text)


def package_files(reader: WatchedReader, *, every: int) -> Iterator[PackageFile]:
    """Each `every`th test file of the packages that can be decoded."""
    for package in _TEST_FILES:
        for path in list(_paths(package))[::every]:
            try:
                with reader.installed():
                    causes = {name: prepare(path, profile).cause for name, profile in PROFILES.items()}
            except (PermanentError, NoPictureError):
                continue
            yield PackageFile(path, package, causes)


def _paths(package: str) -> Iterator[Path]:
    return iter(sorted(Path(PACKAGES[package].path("")).rglob("*.dcm")))
