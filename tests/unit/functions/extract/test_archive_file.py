"""Archives in raw are refused with what to do."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from common.errors import PermanentError
from functions.extract.archive_file import refuse_archive


def _zip(flags: int = 0) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("1.dcm", b"1")
    return body.getvalue()[:6] + bytes([flags]) + body.getvalue()[7:]


def _tar() -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("1.dcm"))
    return body.getvalue()


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (_zip(), "is a .zip archive,"),
        (_zip(flags=1), "is a .zip archive with a password"),
        (_tar(), ".tar archive"),
        (gzip.compress(_tar(), mtime=0), ".gz or .tar.gz archive"),
        (bz2.compress(b"1"), ".bz2 archive"),
        (lzma.compress(b"1"), ".xz archive"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", ".7z archive"),
        (b"Rar!\x1a\x07\x01\x00", ".rar archive"),
    ],
    ids=["zip", "zip with a password", "tar", "gz", "bz2", "xz", "7z", "rar"],
)
def test_archive_is_refused_by_its_kind(tmp_path: Path, body: bytes, cause: str) -> None:
    """The cause names the kind of archive, and the next step is to unpack it."""
    (tmp_path / "x").write_bytes(body)
    with pytest.raises(PermanentError) as caught:
        refuse_archive(tmp_path / "x")
    assert cause in str(caught.value)
    assert caught.value.next_step.startswith("Unpack it")


@pytest.mark.parametrize(
    "body",
    [b"", b"P", b"note", (_zip() + bytes(200))[:128] + b"DICM"],
    ids=["empty", "one byte", "text", "DICOM"],
)
def test_other_files_pass(tmp_path: Path, body: bytes) -> None:
    """Other files pass, and so does a DICOM file whose preamble looks like an archive."""
    (tmp_path / "x").write_bytes(body)
    refuse_archive(tmp_path / "x")
