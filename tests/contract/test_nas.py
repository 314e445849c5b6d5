"""The contract of the NAS: in memory, on a mounted folder, and on a Synology NAS (a fake DSM)."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.errors import DependencyAwayError, PipelineError
from common.nas.mounted_share import FolderNas
from common.nas.nas import NameTakenError, Nas, NasFile
from tests.fake_dsm.client import ROOT, client_of
from tests.fake_dsm.server import FakeDsm, running_dsm
from tests.in_memory.nas import InMemoryNas

TIME = datetime(2024, 3, 1, 12, 30, 15, tzinfo=UTC)  # in full seconds, as DSM gives times
Write = Callable[[str, str, bytes], None]
LONG = "ä" * 125 + ".dcmx"  # 255 bytes
AWKWARD = (
    "a b.dcm",
    " leading and trailing ",
    "Dr. Smith..x.dcm",
    ".hidden",
    'it\'s "quoted".dcm',
    "100%.dcm",
    "%2e%2e%2f.dcm",
    "a+b&c=d;e#f?.dcm",
    "Müller 心.dcm",
    "-rf",
    "a,b[c]{d}.dcm",
    "back\\slash.dcm",
    LONG,
)


@dataclass(frozen=True)
class Share:
    """A NAS, and a function that writes files on it."""

    nas: Nas
    write: Write

    def folders(self) -> list[str]:
        return [folder.name for folder in self.nas.list_folders()]


@pytest.fixture(params=["memory", "folder", "synology"])
def share(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Share]:
    if request.param == "memory":
        nas = InMemoryNas()
        yield Share(nas, lambda folder, path, data: nas.write(folder, path, data, modified_at=TIME))
    elif request.param == "folder":
        yield Share(FolderNas(tmp_path), lambda folder, path, data: _write(tmp_path / folder / path, data))
    else:
        with running_dsm(FakeDsm(), tmp_path) as dsm, client_of(dsm) as client:
            dsm.share.write(f"{ROOT}/x", b"")
            dsm.share.remove(f"{ROOT}/x")
            yield Share(client, lambda folder, path, data: _put(dsm, f"{folder}/{path}", data))


def _write(file: Path, data: bytes) -> None:
    for folder in reversed(file.parents):  # pathlib creates parents recursively, too deep for these paths
        folder.mkdir(exist_ok=True)
    file.write_bytes(data)
    os.utime(file, (TIME.timestamp(), TIME.timestamp()))


def _put(dsm: FakeDsm, path: str, data: bytes) -> None:
    dsm.share.write(f"{ROOT}/{path.lstrip('/')}", data, TIME)


def test_empty_share(share: Share) -> None:
    """An empty share has no folders and no files."""
    assert [] == share.folders()
    assert [] == list(share.nas.list_files(""))


def test_folders_are_sorted(share: Share) -> None:
    """The folders of the root are listed in order, without nested folders and files."""
    for folder in ("b", "a/deep", "Müller 100%+1", "B"):
        share.write(folder.partition("/")[0], f"{folder.partition('/')[2]}/f".lstrip("/"), b"")
    share.write("", "file", b"")
    assert ["B", "Müller 100%+1", "a", "b"] == share.folders()


def test_files_are_listed_to_any_depth(share: Share) -> None:
    """Files are listed with their path below the folder, size and aware time."""
    for path in ("z.dcm", "a/b/c.dcm", "a.dcm", "a/x.dcm"):
        share.write("folder", path, path.encode())
    listed = sorted(share.nas.list_files("folder"), key=lambda file: file.path.split("/"))
    assert ["a/b/c.dcm", "a/x.dcm", "a.dcm", "z.dcm"] == [file.path for file in listed]
    assert NasFile("a/b/c.dcm", 9, TIME) == listed[0]


def test_files_at_any_depth(share: Share, tmp_path: Path) -> None:
    """A file a thousand folders deep is listed and read."""
    path = "d/" * 1200 + "a.dcm"
    share.write("folder", path, b"deep")
    assert [path] == [file.path for file in share.nas.list_files("folder")]
    with share.nas.open("folder", path) as stream:
        assert b"deep" == stream.read()
    if (tmp_path / "folder").exists():  # shutil removes folders recursively, too
        (tmp_path / "folder" / path).unlink()
        for folder in list((tmp_path / "folder" / path).parents)[:1201]:
            folder.rmdir()


def test_system_folders_are_one_entry(share: Share) -> None:
    """A folder of the NAS system is listed as an entry of size 0, without its files."""
    for number in range(3):
        share.write("folder", f"a/@eaDir/{number}.dcm/SYNOINDEX_MEDIA_INFO", b"1")
    share.write("folder", "a/0.dcm", b"22")
    assert {"a/@eaDir": 0, "a/0.dcm": 2} == {file.path: file.size for file in share.nas.list_files("folder")}


def test_files_of_the_root(share: Share) -> None:
    """The files of the root are those in no folder."""
    share.write("", "loose.dcm", b"x")
    share.write("folder", "file.dcm", b"x")
    assert ["loose.dcm"] == [file.path for file in share.nas.list_files("")]


def test_file_is_read(share: Share) -> None:
    """The content of a file is a stream, which the caller closes."""
    share.write("folder", "a/b.dcm", b"content")
    with share.nas.open("folder", "a/b.dcm") as stream:
        assert b"con" == stream.read(3)
        assert b"tent" == stream.read()


def test_folder_is_renamed_once(share: Share) -> None:
    """A renamed folder keeps its files; to rename it again is no error."""
    share.write("folder", "a.dcm", b"x")
    for _ in range(2):
        share.nas.rename_folder("folder", "folder_processed")
    assert ["folder_processed"] == share.folders()
    assert ["a.dcm"] == [file.path for file in share.nas.list_files("folder_processed")]


def test_rename_never_replaces_a_folder(share: Share) -> None:
    """If the new name is taken, nothing is renamed, and the error says so."""
    share.write("folder", "a.dcm", b"x")
    share.write("taken", "b.dcm", b"x")
    with pytest.raises(NameTakenError):
        share.nas.rename_folder("folder", "taken")
    assert ["folder", "taken"] == share.folders()


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names(share: Share, name: str) -> None:
    """Folders and files with unusual names are listed, read and renamed."""
    folder = name[:-10] if name == LONG else name
    share.write(folder, f"deep {name}"[:120] + "/x", b"1")
    share.write(folder, name, b"22")
    assert [folder] == share.folders()
    listed = {file.path: file.size for file in share.nas.list_files(folder)}
    assert {f"deep {name}"[:120] + "/x": 1, name: 2} == listed
    for path, size in listed.items():
        with share.nas.open(folder, path) as stream:
            assert size == len(stream.read())
    share.nas.rename_folder(folder, folder + "_done")
    assert [folder + "_done"] == share.folders()


def test_folder_time_moves_with_a_new_entry(share: Share) -> None:
    """The time of a folder in the listing of the root moves when a file is added."""
    share.write("folder", "a.dcm", b"1")
    (before,) = share.nas.list_folders()
    share.write("folder", "b.dcm", b"1")
    (after,) = share.nas.list_folders()
    assert before.modified_at <= after.modified_at


def test_empty_folder_is_created_and_removed(share: Share) -> None:
    """A folder can be created, and removed only while it is empty."""
    share.nas.make_folder("new")
    with pytest.raises(PipelineError):
        share.nas.make_folder("new")
    assert ["new"] == share.folders()
    share.nas.remove_empty_folder("new")
    share.write("full", "a.dcm", b"1")
    with pytest.raises(PipelineError):
        share.nas.remove_empty_folder("full")
    assert ["full"] == share.folders()


def test_free_space(share: Share) -> None:
    """The NAS reports its free space in bytes."""
    assert (share.nas.free_bytes() or 0) > 1000


def test_missing_folder_or_file_is_a_temporary_failure(share: Share) -> None:
    """A folder or file that was removed is a temporary failure; the error does not name it."""
    share.write("folder", "a.dcm", b"x")
    for call in (
        lambda: list(share.nas.list_files("Doe")),
        lambda: share.nas.open("folder", "Doe.dcm"),
        lambda: share.nas.rename_folder("Doe", "Doe_processed"),
    ):
        with pytest.raises(DependencyAwayError) as caught:
            call()
        assert "Doe" not in str(caught.value)


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_share_that_is_away(kind: str, tmp_path: Path) -> None:
    """The error for a share that is not mounted does not have its path."""
    nas: Nas = InMemoryNas(away=True) if kind == "memory" else FolderNas(tmp_path / "Doe")
    for call in (nas.list_folders, lambda: list(nas.list_files(""))):
        with pytest.raises(DependencyAwayError) as caught:
            call()
        assert "Doe" not in str(caught.value)


def test_links_are_not_listed(tmp_path: Path) -> None:
    """A link may lead out of the share, so it is listed neither as a folder nor as a file."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "f").write_bytes(b"x")
    root = tmp_path / "share"
    (root / "folder").mkdir(parents=True)
    (root / "link").symlink_to(secret)
    (root / "folder" / "link").symlink_to(secret / "f")
    (root / "folder" / "deep").symlink_to(secret)
    nas = FolderNas(root)
    assert ["folder"] == [folder.name for folder in nas.list_folders()]
    assert [] == list(nas.list_files("folder"))


def test_names_that_are_not_unicode(tmp_path: Path) -> None:
    """A file with bytes in its name that are not UTF-8 can be listed and opened."""
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / os.fsdecode(b"m\xfcller.dcm")).write_bytes(b"x")
    nas = FolderNas(tmp_path)
    (found,) = nas.list_files("f")
    with nas.open("f", found.path) as stream:
        assert b"x" == stream.read()
