"""The folder of a sandbox process: a file goes in, its outputs come out, and nothing else does."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.extract.sandbox.folder import SandboxFolder, UnexpectedFileError


@pytest.fixture
def folder() -> Iterator[SandboxFolder]:
    """A new folder."""
    folder = SandboxFolder.create()
    yield folder
    folder.remove()
    assert not folder.root.exists()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file to prepare."""
    path = tmp_path / "source.dcm"
    path.write_bytes(b"source")
    return path


def test_outputs_are_moved_and_the_source_taken_away(
    folder: SandboxFolder, source: Path, tmp_path: Path
) -> None:
    """The original file stays where it was; the folder is as before, for the next file."""
    folder.put(source)
    assert b"source" == folder.source.read_bytes()
    (folder.outputs / "outputs").write_bytes(b"pictures")
    folder.errors.write_bytes(b"a warning of a library")
    folder.take(tmp_path)
    assert (b"source", b"pictures") == (source.read_bytes(), (tmp_path / "outputs").read_bytes())
    left = {path.name: path.stat().st_size for path in folder.root.rglob("*") if path.is_file()}
    assert {"errors": 0, "outputs": 0, "deidentified.dcm": 0} == left


def test_a_file_that_can_not_be_linked_is_copied(
    folder: SandboxFolder, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another file system, or of another owner."""

    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    folder.put(source)
    assert b"source" == folder.source.read_bytes()


@pytest.mark.parametrize("kind", ["symlink_to", "hardlink_to", "mkdir"])
def test_a_link_in_place_of_an_output_is_not_taken(
    kind: str, folder: SandboxFolder, source: Path, tmp_path: Path
) -> None:
    """So whoever has taken the process over can't make extract upload a file of the home."""
    secret = tmp_path / "secrets.json"
    secret.write_text("secret")
    folder.put(source)
    output = folder.outputs / "outputs"
    output.unlink()
    getattr(output, kind)(*([] if kind == "mkdir" else [secret]))
    with pytest.raises(UnexpectedFileError):
        folder.take(tmp_path)
    assert not (tmp_path / "outputs").exists()
