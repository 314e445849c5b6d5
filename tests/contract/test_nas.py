"""The NAS's contract, in memory and on a mounted folder."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.errors import DependencyAwayError, SettingsError, TransientError
from common.nas import FolderNas, Nas, NasFile, nas_from_url
from tests.in_memory.nas import InMemoryNas

TIME = datetime(2024, 3, 1, 12, 30, 15, 250000, UTC)
Write = Callable[[str, str, bytes], None]


@dataclass(frozen=True)
class Share:
    """A NAS, and how to put files on it."""

    nas: Nas
    write: Write


@pytest.fixture(params=["memory", "folder"])
def share(request: pytest.FixtureRequest, tmp_path: Path) -> Share:
    if request.param == "memory":
        nas = InMemoryNas()
        return Share(nas, lambda folder, path, data: nas.write(folder, path, data, modified_at=TIME))

    def write(folder: str, path: str, data: bytes) -> None:
        file = tmp_path / folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        os.utime(file, (TIME.timestamp(), TIME.timestamp()))

    return Share(FolderNas(tmp_path), write)


def test_empty_share(share: Share) -> None:
    """A share without anything has no folders and no files."""
    assert [] == share.nas.list_folders()
    assert [] == list(share.nas.list_files(""))


def test_folders_are_sorted(share: Share) -> None:
    """The folders of the root are told in order, nested ones and files not."""
    for folder in ("b", "a/deep", "Müller 100%+1", "B"):
        share.write(folder.partition("/")[0], f"{folder.partition('/')[2]}/f".lstrip("/"), b"")
    share.write("", "file", b"")
    assert ["B", "Müller 100%+1", "a", "b"] == share.nas.list_folders()


def test_files_are_listed_to_any_depth(share: Share) -> None:
    """Files come with path below their folder, size and aware time, in a fixed order."""
    for path in ("z.dcm", "a/b/c.dcm", "a.dcm", "a/x.dcm"):
        share.write("folder", path, path.encode())
    listed = list(share.nas.list_files("folder"))
    assert ["a/b/c.dcm", "a/x.dcm", "a.dcm", "z.dcm"] == [file.path for file in listed]
    assert NasFile("a/b/c.dcm", 9, TIME) == listed[0]


def test_root_s_own_files(share: Share) -> None:
    """The root's files are those that lie in no folder."""
    share.write("", "loose.dcm", b"x")
    share.write("folder", "file.dcm", b"x")
    assert ["loose.dcm"] == [file.path for file in share.nas.list_files("")]


def test_file_is_read(share: Share) -> None:
    """A file's content is a stream that the caller closes."""
    share.write("folder", "a/b.dcm", b"content")
    with share.nas.open("folder", "a/b.dcm") as stream:
        assert b"con" == stream.read(3)
        assert b"tent" == stream.read()


def test_folder_is_renamed_once(share: Share) -> None:
    """A renamed folder keeps its files; renaming it again is no error."""
    share.write("folder", "a.dcm", b"x")
    for _ in range(2):
        share.nas.rename_folder("folder", "folder_processed")
    assert ["folder_processed"] == share.nas.list_folders()
    assert ["a.dcm"] == [file.path for file in share.nas.list_files("folder_processed")]


def test_rename_never_replaces_a_folder(share: Share) -> None:
    """If the new name is taken, nothing is renamed."""
    share.write("folder", "a.dcm", b"x")
    share.write("taken", "b.dcm", b"x")
    with pytest.raises(TransientError):
        share.nas.rename_folder("folder", "taken")
    assert ["folder", "taken"] == share.nas.list_folders()


def test_what_is_gone_is_a_dependency_away(share: Share) -> None:
    """A folder or file that went away between two looks is a passing failure without its name."""
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
    """A share that isn't mounted is told without its path."""
    nas: Nas = InMemoryNas(away=True) if kind == "memory" else FolderNas(tmp_path / "Doe")
    for call in (nas.list_folders, lambda: list(nas.list_files(""))):
        with pytest.raises(DependencyAwayError) as caught:
            call()
        assert "Doe" not in str(caught.value)


def test_links_are_no_files_of_the_share(tmp_path: Path) -> None:
    """A link may lead out of the share: it is neither a folder nor a file of it."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "f").write_bytes(b"x")
    root = tmp_path / "share"
    (root / "folder").mkdir(parents=True)
    (root / "link").symlink_to(secret)
    (root / "folder" / "link").symlink_to(secret / "f")
    (root / "folder" / "deep").symlink_to(secret)
    nas = FolderNas(root)
    assert ["folder"] == nas.list_folders()
    assert [] == list(nas.list_files("folder"))


def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    """A name whose bytes are no Unicode can be listed and opened all the same."""
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / os.fsdecode(b"m\xfcller.dcm")).write_bytes(b"x")
    nas = FolderNas(tmp_path)
    (found,) = nas.list_files("f")
    with nas.open("f", found.path) as stream:
        assert b"x" == stream.read()


@pytest.mark.parametrize("url", ["file:///mnt/nas", "file://localhost/mnt/nas"])
def test_url_of_a_mounted_share(url: str) -> None:
    """A file URL names a mounted share."""
    assert isinstance(nas_from_url(url), FolderNas)


def test_url_with_escapes(tmp_path: Path) -> None:
    """A file URL's escapes are undone."""
    (tmp_path / "my share" / "a").mkdir(parents=True)
    assert ["a"] == nas_from_url((tmp_path / "my share").as_uri()).list_folders()


@pytest.mark.parametrize("url", ["", "/mnt/nas", "smb://host/share", "file://host/share", "file://", "nas"])
def test_other_urls_are_wrong_settings(url: str) -> None:
    """Anything else is told as a wrong setting, without its value."""
    with pytest.raises(SettingsError, match="DCM2SET_NAS_URL is wrong"):
        nas_from_url(url)
