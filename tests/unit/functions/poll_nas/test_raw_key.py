"""Keys in raw, and junk files on a NAS."""

import pytest

from common.store.object_key import RAW, Location
from functions.poll_nas.raw_key import junk_cause, raw_key
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.odd_names import ODD_NAMES


def test_plain_names_stay_readable() -> None:
    """A folder and a path become a readable key."""
    assert "nas/CT Müller 2024/first/CT small.dcm" == raw_key("CT Müller 2024", 1, "first/CT small.dcm", 1)
    assert "nas/loose.dcm" == raw_key("", 1, "loose.dcm", 1)


def test_later_folders_and_contents_are_numbered() -> None:
    """A later folder of the same name and other content of the same path have their own keys."""
    assert "nas/f~2/a.dcm~3" == raw_key("f", 2, "a.dcm", 3)


def test_no_two_files_have_one_key() -> None:
    """No two files share a key, for all names, generations and versions."""
    keys = [
        raw_key(folder, generation, f"{part}/{part}", version)
        for folder in ["", *ODD_NAMES]
        for part in ODD_NAMES
        for generation in (1, 2)[: 2 if folder else 1]
        for version in (1, 2)
    ]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_every_name_is_legal_for_the_store(name: str) -> None:
    """Every name gives a key that the store accepts, and that can be moved to other buckets."""
    key = raw_key(name, 2, f"{name}/{name}", 2)
    store = InMemoryObjectStore()
    store.ensure_bucket(RAW)
    store.put(Location(RAW, key), b"", content_type="text/plain")
    assert key.startswith("nas/")
    assert key.isprintable() or "\u0308" in key


@pytest.mark.parametrize("depth", [2, 5, 6, 20])
def test_deep_paths_are_legal_for_the_store(depth: int) -> None:
    """A path with many long folders gives a key that has at most 1024 bytes, also in quarantine."""
    key = raw_key("folder", 1, "/".join(["x" * 200] * depth), 1)
    longest = f"raw/{key}~{'0' * 32}"  # in quarantine, beside other content
    assert len(longest.encode()) <= 1024


def test_different_deep_paths_have_different_keys() -> None:
    """No two paths share a key, however long they are."""
    folders = "/".join(["x" * 200] * 8)
    assert 3 == len({raw_key("f", 1, f"{folders}/{name}", 1) for name in ("a", "b", "a/b")})


def test_no_part_has_minio_s_name_of_a_folder() -> None:
    """MinIO stores `a/` as `a__XLDIR__` and lists no key below such a part, so a part never ends so."""
    parts = raw_key("f__XLDIR__", 1, "d__XLDIR__/a__XLDIR__", 1).split("/")
    assert ["nas", "f%5F_XLDIR__", "d%5F_XLDIR__", "a%5F_XLDIR__"] == parts


def test_names_like_a_shortened_name_do_not_collide() -> None:
    """A name equal to the shortened form of a long name does not get the same key."""
    long_name = "x" * 250
    shortened = raw_key("", 1, long_name, 1)
    assert "%~" in shortened
    assert raw_key("", 1, shortened.removeprefix("nas/"), 1) != shortened


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("@eaDir/CT.dcm@SynoEAStream", "system file (@eaDir)"),
        ("a/@eaDir/b", "system file (@eaDir)"),
        ("#recycle/a.dcm", "system file (#recycle)"),
        (".DS_Store", "system file (.DS_Store)"),
        ("a/Thumbs.db", "system file (Thumbs.db)"),
        ("~$report.docx", "temporary file"),
        ("a/._CT.dcm", "temporary file"),
        ("$RECYCLE.BIN/$R1.dcm", "system file ($RECYCLE.BIN)"),
        ("a/@Recycle/CT.dcm", "system file (@Recycle)"),
        (".Trash-1000/files/CT.dcm", "system file (.Trash-…)"),
        (".snapshot/hourly.0/CT.dcm", "system file (.snapshot)"),
        ("System Volume Information/x", "system file (System Volume Information)"),
        (".nfs000000000123abcd00000001", "system file (.nfs…)"),
        (".smbdeleteDoe.dcm", "system file (.smbdelete…)"),
        ("AUTORUN.INF", "system file (AUTORUN.INF)"),
        ("desktop.ini", "system file (desktop.ini)"),
        ("VIEWER/Viewer.exe", "part of a viewer, not an image"),
        ("INDEX.HTM", "part of a viewer, not an image"),
    ],
)
def test_junk_has_a_cause(path: str, cause: str) -> None:
    """System and temporary files are never copied; the cause has no path that may name a patient."""
    assert cause == junk_cause(path)


@pytest.mark.parametrize(
    "path",
    [
        "CT.dcm",
        "no extension",
        "a.tmp/CT.dcm",
        "readme.txt",
        "a/part",
        ".Trash-x/a",
        "Recycle/a",
        ".hidden",
        "IM_0001",
        "eaDir/x",
    ],
)
def test_other_files_are_copied(path: str) -> None:
    """Every file that may be DICOM is copied; extract checks its content."""
    assert junk_cause(path) is None
