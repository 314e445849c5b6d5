"""Polls of the NAS: archives, and zip bombs."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from random import Random

import pytest

from common.store.object_key import RAW
from functions.poll_nas.unpack_archive import ArchiveLimits
from tests.support.poll_bench import LATER, QUIET, Polls

NOISE = Random(1).randbytes(5000)


def zipped(files: Mapping[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, packing)
    return body.getvalue()


def polled(body: bytes, limits: ArchiveLimits | None = None) -> Polls:
    polls = Polls() if limits is None else Polls(archives=limits)
    polls.nas.write("f", "deep/a.ZIP", body)
    polls.nas.write("f", "b.dcm", b"1")
    polls.until_quiet()
    return polls


def copied(polls: Polls) -> dict[str, bytes]:
    found = {key: stored.data for key, stored in polls.store.buckets[RAW].items()}
    assert b"1" == found.pop("nas/f/b.dcm")
    return found


def causes(polls: Polls) -> list[str]:
    return sorted(polls.rows.causes.values())


def test_archive_is_unpacked_as_files_of_its_folder() -> None:
    """Each file of an archive is in raw below the archive's path, and the folder is marked."""
    polls = polled(zipped({"one/x.dcm": NOISE, "Müller ü%+.dcm": b"2", "empty": b"", "dir/": b""}))
    assert {
        "nas/f/deep/a.ZIP/one/x.dcm": NOISE,
        "nas/f/deep/a.ZIP/Müller ü%25+.dcm": b"2",
        "nas/f/deep/a.ZIP/empty": b"",
    } == copied(polls)
    assert ["archive, unpacked: 3 files"] == causes(polls)
    assert ["f_processed"] == polls.nas.names()
    assert 4 == len(polls.rows.copies)


def test_a_file_with_the_name_of_a_folder_hides_nothing() -> None:
    """A file `ct` and a file `ct/1.dcm` in one archive get keys that MinIO lists both."""
    polls = polled(zipped({"ct": NOISE, "ct/1.dcm": b"2"}))
    assert {"nas/f/deep/a.ZIP/ct%00file": NOISE, "nas/f/deep/a.ZIP/ct/1.dcm": b"2"} == copied(polls)


def test_archive_is_unpacked_once() -> None:
    """An archive is unpacked once; other content of it is unpacked as another version."""
    polls = Polls(mark=None, recheck=1)
    polls.nas.write("f", "a.zip", zipped({"x": b"1"}))
    polls.until_quiet()
    assert "no_updates" == polls.poll(after=1)["status"]
    polls.nas.write("f", "a.zip", zipped({"x": b"2"}), modified_at=LATER)
    polls.until_quiet()
    assert ["nas/f/a.zip/x", "nas/f/a.zip/x~2"] == polls.store.keys(RAW)


def test_junk_in_an_archive_is_skipped() -> None:
    """System files, archives in archives and other compression methods are skipped; the rest is copied."""
    body = zipped({"x.dcm": b"1", "Thumbs.db": b"2", "b.zip": zipped({"y": b"3"})})
    polls = polled(body)
    assert {"nas/f/deep/a.ZIP/x.dcm": b"1"} == copied(polls)
    assert [
        "archive within an archive",
        "archive, unpacked: 3 files",
        "system file (Thumbs.db)",
    ] == causes(polls)
    for packing in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        polls = polled(zipped({"x.dcm": b"1"}, packing))
        assert {} == copied(polls)
        assert "another method than deflate" in causes(polls)[1]


@pytest.mark.parametrize(
    ("body", "limits", "cause"),
    [
        (zipped({str(n): b"1" for n in range(11)}), ArchiveLimits(10, 10**6), "DCM2SET_NAS_ARCHIVE_FILES"),
        (zipped({str(n) * 200: b"" for n in range(9999)}), ArchiveLimits(10, 10**9), "table of contents"),
        (zipped({"x": bytes(3_000_000)}), ArchiveLimits(10, 2_000_000), "unpacked it is larger"),
        (zipped({"x": bytes(40_000_000)}), ArchiveLimits(10, 10**9), "more than 200 to 1"),
        (zipped({"x": NOISE}), ArchiveLimits(10, 1000), "it is larger than DCM2SET_NAS_ARCHIVE_MEGABYTES"),
        (zipped({"a/../../x": b"1"}), ArchiveLimits(10, 10**6), "leads out"),
        (zipped({"/etc/x": b"1"}), ArchiveLimits(10, 10**6), "leads out"),
        (b"no archive", ArchiveLimits(10, 10**6), "not an archive"),
        (b"", ArchiveLimits(10, 10**6), "not an archive"),
        (zipped({"x": NOISE})[:-30], ArchiveLimits(10, 10**6), "not an archive"),
    ],
)
def test_archive_over_a_limit_is_refused(body: bytes, limits: ArchiveLimits, cause: str) -> None:
    """An archive over a limit is skipped completely, with a cause, and delays no other file."""
    polls = polled(body, limits)
    assert {} == copied(polls)
    (found,) = causes(polls)
    assert cause in found
    assert ["f_processed"] == polls.nas.names()


def test_names_are_normalised() -> None:
    """A name that begins with `./`, or has an empty part, is the same name without it."""
    polls = polled(zipped({"./1.dcm": b"1", "a/./2.dcm": b"2", "b//3.dcm": b"3"}))
    assert {
        "nas/f/deep/a.ZIP/1.dcm": b"1",
        "nas/f/deep/a.ZIP/a/2.dcm": b"2",
        "nas/f/deep/a.ZIP/b/3.dcm": b"3",
    } == copied(polls)
    assert "one name" in causes(polled(zipped({"./x": b"1", "x": b"2"})))[0]


def _locked(body: bytes, number: int) -> bytes:
    """Set the bit of encryption for the first files, in their headers and in the table of contents."""
    locked = bytearray(body)
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = -1
        for _ in range(number):
            at = body.index(mark, at + 1)
            locked[at + flags] |= 1
    return bytes(locked)


def test_archive_with_a_password_is_copied_as_it_is() -> None:
    """It is in raw under a key that none of its files can have, and extract quarantines it with its cause."""
    body = _locked(zipped({"x.dcm": b"1", "y.dcm": b"2"}), 2)
    polls = polled(body)
    assert {"nas/f/deep/a.ZIP/%00archive": body} == copied(polls)
    assert {"deep/a.ZIP": "copied", "b.dcm": "copied"} == polls.states()
    assert ["f_processed"] == polls.nas.names()


def test_one_file_with_a_password_is_skipped() -> None:
    """The other files of its archive are copied."""
    polls = polled(_locked(zipped({"x.dcm": b"1", "y.dcm": b"2"}), 1))
    assert {"nas/f/deep/a.ZIP/y.dcm": b"2"} == copied(polls)
    assert "encrypted in its archive" in causes(polls)


def test_archive_with_a_duplicate_name_is_refused() -> None:
    """An archive with two files of the same name is ambiguous."""
    body = zipped({"x": b"1", "y": b"2"}, zipfile.ZIP_STORED).replace(b"y", b"x")
    assert "one name" in causes(polled(body))[0]


@pytest.mark.parametrize("declared", [1, 10**6])
def test_wrong_declared_size(declared: int) -> None:
    """A file that is longer or shorter than its archive declares never becomes an object."""
    body = bytearray(zipped({"x": NOISE, "y": b"2"}))
    size = len(NOISE).to_bytes(4, "little")
    crc = zlib.crc32(NOISE).to_bytes(4, "little")
    at = body.rindex(crc)
    assert size == body[at + 8 : at + 12]
    body[at + 8 : at + 12] = declared.to_bytes(4, "little")
    polls = polled(bytes(body))
    assert {"nas/f/deep/a.ZIP/y": b"2"} == copied(polls)
    assert "damaged in its archive" in causes(polls)


def test_damaged_file_does_not_affect_the_others() -> None:
    """A file with a wrong checksum is skipped; the other files of the archive are copied."""
    body = zipped({"x": NOISE, "y": b"2"}, zipfile.ZIP_STORED).replace(NOISE[100:110], b"0123456789")
    polls = polled(body)
    assert {"nas/f/deep/a.ZIP/y": b"2"} == copied(polls)
    assert ["archive, unpacked: 2 files", "damaged in its archive"] == causes(polls)


def test_interrupted_unpacking_is_continued() -> None:
    """After a crash between two files the rest of the archive is unpacked, each file once."""
    polls = Polls()
    polls.nas.write("f", "a.zip", zipped({name: name.encode() for name in "abc"}))
    polls.poll()
    record_copies, crashes = polls.rows.record_copies, iter([True])

    def crash(*args: object, **values: object) -> None:
        record_copies(*args, **values)
        if next(crashes, None):
            raise KeyboardInterrupt

    polls.rows.record_copies = crash
    with pytest.raises(KeyboardInterrupt):
        polls.poll(after=QUIET + 1)
    polls.poll(after=1)
    assert ["nas/f/a.zip/a", "nas/f/a.zip/b", "nas/f/a.zip/c"] == polls.store.keys(RAW)
    assert 3 == len([call for call, _ in polls.store.calls if call == "put"])
    assert ["f_processed"] == polls.nas.names()
