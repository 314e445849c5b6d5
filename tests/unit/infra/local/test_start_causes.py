"""Why a home can't start, as it is told."""

import os
import shutil
from errno import EACCES, EAGAIN, EIO, EMFILE, ENAMETOOLONG, ENOSPC, ENOTDIR, EROFS, errorcode
from pathlib import Path
from typing import Any

import pytest

from common.errors import SettingsError
from infra.local.causes import disk_room, start_logs
from infra.local.causes.disk_room import require_room
from infra.local.causes.error_text import errno_in, line_of_error
from infra.local.causes.os_errors import os_error_text, start_errors
from infra.local.causes.start_logs import StartLogs
from infra.local.home import Home
from infra.local.stores.minio_server import MINIO


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that was created, and caches of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.mark.parametrize(
    ("place", "option"),
    [("home/x", "--home"), ("home", "--home"), ("cache/dcm2set/m.lock", "XDG_CACHE_HOME")],
)
@pytest.mark.parametrize("number", [ENOSPC, EROFS, EACCES, ENOTDIR, ENAMETOOLONG, EIO])
def test_an_error_about_a_path_names_it_and_what_to_do(
    home: Home, tmp_path: Path, number: int, place: str, option: str
) -> None:
    """One line with the path, the cause and the option that chooses another folder."""
    error = OSError(number, os.strerror(number), str(tmp_path / place))
    with pytest.raises(SettingsError) as caught, start_errors(home):
        raise error
    text = str(caught.value)
    assert str(tmp_path / place) in text
    assert f"choose another folder with {option}." in text
    assert "\n" not in text


@pytest.mark.parametrize("number", [EMFILE, EAGAIN])
def test_a_limit_of_the_user_is_named(home: Home, number: int) -> None:
    """No folder is to blame."""
    text = os_error_text(OSError(number, "", str(home.folder)), home)
    assert "ulimit" in text
    assert "--home" not in text


@pytest.mark.parametrize("number", sorted(errorcode))
def test_every_error_of_the_system_has_a_text(home: Home, number: int) -> None:
    """Also an error that nobody foresaw."""
    assert os_error_text(OSError(number, os.strerror(number), "/a"), home)
    assert os_error_text(OSError(number, os.strerror(number)), home)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ('FATAL:  could not write lock file "postmaster.pid": No space left on device', ENOSPC),
        ("go: writing stat cache: write /root/go/x: no space left on device", ENOSPC),
        ("Storage backend has reached its minimum free drive threshold", ENOSPC),
        ("Error: The minimum number of file descriptors required to run this process is 1024", EMFILE),
        ("FATAL:  insufficient file descriptors available to start server process", EMFILE),
        ("unable to rename (a -> b) file access denied, drive may be faulty", EACCES),
        ("database system is ready to accept connections", None),
    ],
)
def test_programs_name_errors_in_their_own_words(text: str, number: int | None) -> None:
    """Postgres, MinIO, Go and supervisord."""
    assert number == errno_in(f"a line\n{text}\nanother")
    assert (text if number else None) == line_of_error(f"a line\n{text}\nanother")


def test_only_what_was_logged_since_the_start_counts(home: Home) -> None:
    """An error of an earlier start is not the cause, unless the log is a new one."""
    log = home.logs / "postgres.log"
    log.write_text("No space left on device\n")
    logs = StartLogs.of(home)
    home.postgres_data.mkdir()
    assert logs.cause("postgres", home.postgres_data) is None
    with log.open("a") as file:
        file.write("Read-only file system\n")
    assert "read-only file system" in (logs.cause("postgres", home.postgres_data) or "")
    log.write_text("disk quota exceeded")
    assert "quota" in (logs.cause("postgres", home.postgres_data) or "")


def test_a_disk_that_is_too_full_for_a_log_is_found(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing a file shows what no log can show."""

    def fails(_: Path) -> None:
        raise OSError(ENOSPC, "", str(home.folder))

    monkeypatch.setattr(start_logs, "probe", fails)
    cause = StartLogs.of(home).cause("minio", home.minio_data) or ""
    assert cause.startswith("minio can't start: no space is left on the disk of")


def test_a_new_home_needs_room(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small disk is refused before anything is started; an existing home may start on a full one."""
    usage: Any = shutil.disk_usage(home.folder)._replace(free=40 * 1024**2)
    monkeypatch.setattr(disk_room.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(SettingsError, match="has 40 MB free, and a new home needs 256 MB"):
        require_room(home)
    home.secrets()
    require_room(home)
    assert not (home.folder / "probe.part").exists()


def test_a_cache_that_has_the_binary_need_not_be_writable(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lock is made if there is nothing to build."""
    monkeypatch.delenv("DCM2SET_MINIO", raising=False)
    monkeypatch.setenv("PATH", "")
    MINIO.cached().parent.mkdir(parents=True)
    MINIO.cached().touch()
    assert MINIO.cached() == MINIO.binary(lambda _: None)
    assert [MINIO.cached().name] == [path.name for path in MINIO.cached().parent.iterdir()]
