"""A mounted share, as a real folder on disk, whose entries are replaced, unreadable or have odd times."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest

from common.errors import DependencyAwayError
from common.nas.mounted_share import FolderNas
from common.nas.nas import EARLIEST, LATEST, NasFile, UnreadableError
from common.store.object_key import RAW
from tests.support.poll_bench import QUIET, Polls


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A share with one folder of two files."""
    root = tmp_path / "share"
    _write(root / "f" / "a.dcm", b"a")
    _write(root / "f" / "deep" / "b.dcm", b"b")
    return root


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@contextmanager
def _refused(monkeypatch: pytest.MonkeyPatch, *names: str) -> Iterator[None]:
    """Refuse to open these names, as for a user without the right; tests may run as root."""
    original = os.open

    def open_(path: object, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path in names:
            raise PermissionError(13, "Doe")
        return original(path, flags, mode, dir_fd=dir_fd)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", open_)
        yield


def _replace(root: Path, kind: str, secret: Path) -> None:
    """Replace the file a.dcm by something else of the same name."""
    file = root / "f" / "a.dcm"
    file.unlink()
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "link":
        file.symlink_to(secret / "b.dcm")
    elif kind == "folder":
        file.mkdir()
    elif kind == "linked folder":
        (root / "f").rename(root / "old")
        (secret / "a.dcm").write_bytes(b"secret")
        (root / "f").symlink_to(secret)


@pytest.mark.parametrize("kind", ["fifo", "link", "folder", "linked folder", "gone"])
def test_file_replaced_after_it_was_listed(root: Path, tmp_path: Path, kind: str) -> None:
    """Only a regular file below the root is opened, and nothing blocks."""
    _write(tmp_path / "secret" / "b.dcm", b"secret")
    nas = FolderNas(root)
    assert ["a.dcm", "deep/b.dcm"] == sorted(file.path for file in nas.list_files("f"))
    _replace(root, kind, tmp_path / "secret")
    with pytest.raises(UnreadableError) as caught:
        nas.open("f", "a.dcm")
    assert "a.dcm" not in str(caught.value)


@pytest.mark.parametrize("kind", ["fifo", "link", "linked folder"])
def test_poll_of_replaced_file(root: Path, tmp_path: Path, kind: str) -> None:
    """A poll goes on with the other files, and nothing from outside of the share is in raw."""
    _write(tmp_path / "secret" / "b.dcm", b"secret")
    _write(root / "g" / "c.dcm", b"c")
    polls = Polls(nas=FolderNas(root))
    polls.poll()
    listed = FolderNas.list_files

    def list_files(nas: FolderNas, folder: str) -> Iterator[NasFile]:
        yield from listed(nas, folder)
        if folder == "f":
            _replace(root, kind, tmp_path / "secret")

    polls.use(type("Replaced", (FolderNas,), {"list_files": list_files})(root))
    polls.poll(after=QUIET + 1)
    stored = {key: found.data for key, found in polls.store.buckets[RAW].items()}
    assert b"secret" not in stored.values()
    assert b"c" == stored["nas/g/c.dcm"]
    assert (root / "g_processed").is_dir()


@pytest.mark.parametrize("folder", ["f", "f/deep"])
def test_folder_that_became_a_link_is_not_listed(root: Path, tmp_path: Path, folder: str) -> None:
    """A folder that was replaced by a link is not followed out of the share."""
    _write(tmp_path / "secret" / "x.dcm", b"secret")
    nas = FolderNas(root)
    (root / folder).rename(root / "elsewhere")
    (root / folder).symlink_to(tmp_path / "secret")
    try:
        listed = [file.path for file in nas.list_files("f")]
    except UnreadableError:
        listed = []
    assert not any("x.dcm" in path for path in listed)


@pytest.mark.parametrize("path", ["../secret", "deep/../../secret", "/etc/passwd", "deep//b.dcm", ""])
def test_paths_that_lead_out_are_refused(root: Path, path: str) -> None:
    """No path leads out of its folder."""
    _write(root.parent / "secret", b"secret")
    with pytest.raises(UnreadableError):
        FolderNas(root).open("f", path)


def test_link_is_never_renamed(root: Path, tmp_path: Path) -> None:
    """A folder that became a link is not marked."""
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(DependencyAwayError):
        FolderNas(root).rename_folder("link", "link_processed")
    assert (root / "link").is_symlink()


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-(10**13), EARLIEST), (10**13, LATEST), (0, datetime(1970, 1, 1, tzinfo=UTC))]
)
def test_time_that_no_datetime_takes(
    root: Path, monkeypatch: pytest.MonkeyPatch, seconds: int, expected: datetime
) -> None:
    """A time that no datetime takes, such as SMB's year 30828, is set to the nearest; files are copied."""
    nas = FolderNas(root)
    _change_entries(monkeypatch, lambda found: _at(found, seconds))
    assert {expected} == {file.modified_at for file in nas.list_files("f")}
    assert [expected] == [folder.modified_at for folder in nas.list_folders()]
    polls = Polls(nas=nas)
    polls.until_quiet()
    assert ["nas/f/a.dcm", "nas/f/deep/b.dcm"] == polls.store.keys(RAW)


def _at(found: os.stat_result, seconds: int) -> os.stat_result:
    values = list(found)
    values[stat.ST_MTIME] = seconds
    return os.stat_result(values)


def _change_entries(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[os.stat_result], os.stat_result]
) -> None:
    """Change what the entries of all folders tell of themselves."""
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: _Entries(scandir(folder), change))


@dataclass
class _Entry:
    """An entry of a folder that tells something else of itself."""

    entry: os.DirEntry[str]
    change: Callable[[os.stat_result], os.stat_result]

    def __post_init__(self) -> None:
        self.name, self.is_file, self.is_dir = self.entry.name, self.entry.is_file, self.entry.is_dir

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        return self.change(self.entry.stat(follow_symlinks=follow_symlinks))


class _Entries:
    """What os.scandir returns, with changed entries."""

    def __init__(self, entries: Any, change: Callable[[os.stat_result], os.stat_result]) -> None:
        self._entries, self._change, self.close = entries, change, entries.close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> "_Entries":
        return self

    def __next__(self) -> _Entry:
        return _Entry(next(self._entries), self._change)


def test_unreadable_folder_is_one_entry_with_its_fault(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files beside an unreadable folder are listed, and the folder with what to do."""
    with _refused(monkeypatch, "deep"):
        a, deep = sorted(FolderNas(root).list_files("f"), key=lambda file: file.path)
    assert (("a.dcm", None), ("deep", 0)) == ((a.path, a.fault), (deep.path, deep.size))
    assert "give it the right" in (deep.fault or "")
    assert "Doe" not in (deep.fault or "")


def test_unreadable_folder_and_file_wait(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The readable files are copied, the others wait with their cause, and the folder is not marked."""
    _write(root / "f" / "c.dcm", b"c")
    polls = Polls(nas=FolderNas(root))
    polls.poll()
    with _refused(monkeypatch, "deep", "c.dcm"):
        for _ in range(3):
            polls.poll(after=QUIET + 1)
    assert ["nas/f/a.dcm"] == polls.store.keys(RAW)
    assert {
        "a.dcm": "copied",
        "c.dcm": "waiting",
        "deep": "waiting",
        "deep/b.dcm": "waiting",
    } == polls.states()
    assert all("give it the right" in cause for cause in polls.rows.causes.values())
    for _ in range(3):
        polls.poll(after=QUIET + 1)
    assert ["nas/f/a.dcm", "nas/f/c.dcm", "nas/f/deep/b.dcm"] == polls.store.keys(RAW)
    assert (root / "f_processed").is_dir()


def test_share_that_goes_away_while_it_is_listed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the root can't be listed either, the share is away, and no folder counts as unreadable."""
    with _refused(monkeypatch, "deep", root), pytest.raises(DependencyAwayError) as caught:
        list(FolderNas(root).list_files("f"))
    assert not isinstance(caught.value, UnreadableError)


def test_folder_without_the_right_to_enter(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose size and time can't be read is listed with its fault."""
    _change_entries(monkeypatch, _refuse)
    (file,) = [file for file in FolderNas(root).list_files("f") if file.path == "a.dcm"]
    assert (EARLIEST, 0) == (file.modified_at, file.size)
    assert "give it the right" in (file.fault or "")


def _refuse(_: os.stat_result) -> os.stat_result:
    raise PermissionError(13, "Doe")
