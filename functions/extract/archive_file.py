"""Recognises archives among the files in raw, by their first bytes. None is unpacked here."""

from pathlib import Path

from common.errors import PermanentError

_NEXT_STEP = "Unpack it, and put its files on the NAS or into raw/incoming/."
# Where an archive's mark stands, the mark, and the archive's kind.
_MARKS = (
    (0, b"PK\x03\x04", ".zip"),
    (0, b"PK\x05\x06", ".zip"),  # an empty one
    (0, b"PK\x07\x08", ".zip"),  # one in several parts
    (0, b"7z\xbc\xaf\x27\x1c", ".7z"),
    (0, b"Rar!\x1a\x07", ".rar"),
    (0, b"\x1f\x8b\x08", ".gz or .tar.gz"),
    (0, b"\x1f\x9d", ".Z"),
    (0, b"BZh", ".bz2"),
    (0, b"\xfd7zXZ\x00", ".xz"),
    (0, b"\x28\xb5\x2f\xfd", ".zst"),
    (0, b"LZIP", ".lz"),
    (0, b"MSCF", ".cab"),
    (257, b"ustar", ".tar"),
)
_HEAD_BYTES = 512
_DICOM_AT, _DICOM = 128, b"DICM"  # PS3.10 section 7.1; the bytes before it may look like anything
_ZIP_FLAGS_AT, _ENCRYPTED = 6, 0x1  # of the first file in a .zip, APPNOTE 4.4.4


def refuse_archive(path: Path) -> None:
    """Raise PermanentError if a file is an archive."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head[_DICOM_AT:].startswith(_DICOM):
        return
    kind = next((kind for at, mark, kind in _MARKS if head[at:].startswith(mark)), None)
    if kind is None:
        return
    is_locked = kind == ".zip" and len(head) > _ZIP_FLAGS_AT and head[_ZIP_FLAGS_AT] & _ENCRYPTED
    what = "archive with a password" if is_locked else "archive"
    raise PermanentError(f"The file is a {kind} {what}, and no DICOM file.", _NEXT_STEP)
