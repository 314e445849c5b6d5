"""`dcm2set up` where a disk, a right or a limit is missing: one line with the cause, and what to do."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from infra.local.home import Home
from infra.local.stores.go_program import cache_folder

_MEGABYTE = 1024**2
_MOUNTED = 'mount -t tmpfs -o size=40m none {home} && {then} exec "$@"'


def _up(
    home: Path, *, within: Sequence[str] = (), limits: dict[int, int] | None = None, **variables: str
) -> str:
    """The line with which `dcm2set up` ends."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    environment["XDG_CACHE_HOME"] = str(cache_folder().parent)  # with MinIO, which is built once
    if "DCM2SET_MINIO" in os.environ:
        environment["DCM2SET_MINIO"] = os.environ["DCM2SET_MINIO"]
    done = subprocess.run(
        [*within, sys.executable, "-m", "infra.cli", "up", "--home", str(home)],
        env=environment | variables,
        preexec_fn=partial(_limit, limits or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert 2 == done.returncode, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line.removeprefix("dcm2set: ")


def _limit(limits: dict[int, int]) -> None:
    for number, value in limits.items():
        resource.setrlimit(number, (value, value))


def _in_namespace(home: Path, then: str = "") -> list[str]:
    """A command that runs its arguments where the home is a disk of 40 MB."""
    home.mkdir(parents=True, exist_ok=True)
    options = "-m" if os.geteuid() == 0 else "-Urm"
    return ["unshare", options, "sh", "-c", _MOUNTED.format(home=home, then=then), "sh"]


def _can_mount(folder: Path) -> bool:
    """Whether this machine lets the user of the tests mount a disk of their own."""
    command = [*_in_namespace(folder / "tried"), "true"]
    return shutil.which("unshare") is not None and subprocess.run(command, check=False).returncode == 0


def test_a_path_that_can_t_be_a_home_is_named(tmp_path: Path) -> None:
    """A file above it, a loop of links, or a name that is too long."""
    (tmp_path / "file").touch()
    line = _up(tmp_path / "file" / "home")
    assert "a part of it is a file and no folder: choose another folder with --home." in line
    (tmp_path / "loop").symlink_to("loop")
    assert "leads through a loop of links: choose another" in _up(tmp_path / "loop" / "home")
    assert "is too long: choose another folder with --home." in _up(tmp_path / ("a" * 300))


def test_a_cache_that_can_t_be_written_is_named(tmp_path: Path) -> None:
    """MinIO can't be built then; the variable that chooses another folder is named."""
    (tmp_path / "file").touch()
    line = _up(tmp_path / "home", DCM2SET_MINIO="", XDG_CACHE_HOME=str(tmp_path / "file"))
    assert f"{tmp_path}/file/dcm2set can't be used" in line
    assert "choose another folder with XDG_CACHE_HOME." in line


@pytest.mark.parametrize(
    ("limit", "value", "expected"),
    [
        (
            resource.RLIMIT_FSIZE,
            _MEGABYTE,
            "raise the limit (ulimit -f), or choose another folder with --home.",
        ),
        (resource.RLIMIT_NOFILE, 64, "may open 64 files at a time, and 1024 are needed"),
    ],
)
def test_a_limit_that_is_too_low_is_named(tmp_path: Path, limit: int, value: int, expected: str) -> None:
    """Limits on the size of a file, as a quota sets them, and on open files."""
    assert expected in _up(tmp_path / "home", limits={limit: value})


def test_a_small_and_a_read_only_disk_are_named(tmp_path: Path) -> None:
    """A disk too small for a new home, one that is full when Postgres is set up, and a read-only one."""
    home = tmp_path / "home"
    if not _can_mount(tmp_path):  # then a limit on file sizes stands for the disk
        Home(home).create()
        Home(home).secrets()
        line = _up(home, limits={resource.RLIMIT_FSIZE: 4 * _MEGABYTE})
        assert "raise the limit (ulimit -f), or choose another folder with --home." in line
        return
    line = _up(home, within=_in_namespace(home))
    assert f"the disk of {home} has 40 MB free, and a new home needs 256 MB: free some space" in line
    known = tmp_path / "known"
    Home(known).create()
    Home(known).secrets()
    copy = f"cp {known}/secrets.json {home}/ &&"
    line = _up(home, within=_in_namespace(home, copy))
    assert f"no space is left on the disk of {home}/postgres: free some, or choose another folder" in line
    line = _up(home, within=_in_namespace(home, f"mount -o remount,ro {home} &&"))
    assert "is on a read-only file system: choose another folder with --home." in line


def test_a_server_that_ends_because_of_the_disk_is_told_so(tmp_path: Path) -> None:
    """MinIO's own words are found in its log within seconds, and no traceback is shown."""
    minio = tmp_path / "minio"
    minio.write_text(
        "#!/bin/sh\necho 'FATAL Unable to initialize backend: no space left on device'; exit 1\n"
    )
    minio.chmod(0o755)
    home = tmp_path / "home"
    line = _up(home, DCM2SET_MINIO=str(minio))
    assert line.startswith(f"minio can't start: no space is left on the disk of {home}/minio: free some")
    assert line.endswith(f"its log is {home}/log/minio.log.")
