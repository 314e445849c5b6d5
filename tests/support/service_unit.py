"""The systemd unit of the service: its lines, and a command under what they take away.

systemd itself is not needed: bubblewrap makes the mounts, setpriv changes the user, and
tests/support/confined_service.py sets the filter of system calls, all from the unit's own lines.
Groups of processes and keyrings are not imitated.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from tests.support.repository import ROOT

UNIT = ROOT / "infra" / "service" / "dcm2set.service"
# No account of this machine, and another one in each run: processes of a home are told apart by their user.
USER = 60_000 + os.getpid() % 5_000
# Empty for the service: ProtectHome=yes, PrivateTmp=yes, and what the folders of the service stand in for.
_HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp", "/var/lib", "/var/cache")
Directives = Mapping[str, Sequence[str]]


def directives(path: Path = UNIT) -> Directives:
    """The values of each directive of a unit, in the order of its lines."""
    found = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        name, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            found[name].append(value)
    return dict(found)


def allowed_calls(unit: Directives) -> list[str]:
    """The names of the system calls that the unit allows, with its sets resolved (systemd.exec(5))."""
    allowed: set[str] = set()
    for line in unit["SystemCallFilter"]:
        names = {name for word in line.removeprefix("~").split() for name in _members(word)}
        allowed = allowed - names if line.startswith("~") else allowed | names
    return sorted(allowed)


@cache
def _members(name: str) -> frozenset[str]:
    if not name.startswith("@"):
        return frozenset([name])
    command = ["systemd-analyze", "syscall-filter", "--no-pager", name]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[1:]
    words = [line.strip() for line in listed if line.strip() and not line.strip().startswith("#")]
    return frozenset(member for word in words for member in _members(word))


def confined(command: Sequence[str], *, state: Path, cache_folder: Path, folder: Path) -> list[str]:
    """The command under the restrictions of the unit.

    `state` becomes its StateDirectory and `cache_folder`, read-only, its CacheDirectory. A few files that
    the restrictions need are written to `folder`.
    """
    unit = directives()
    (folder / "passwd").write_text(f"dcm2set:x:{USER}:{USER}::/var/lib/dcm2set:/usr/sbin/nologin\n")
    (folder / "group").write_text(f"dcm2set:x:{USER}:\n")
    (folder / "restrictions.json").write_text(json.dumps(dict(unit) | {"calls": allowed_calls(unit)}))
    mounts = ["--ro-bind", "/", "/", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm"]
    mounts += [part for place in _HIDDEN for part in _empty(Path(place))]
    mounts += [part for program in _programs() for part in _visible(program)]
    mounts += ["--bind", str(state), "/var/lib/dcm2set", "--ro-bind", str(cache_folder), "/var/cache/dcm2set"]
    mounts += ["--ro-bind", str(folder / "restrictions.json"), "/var/lib/restrictions.json"]
    for name in ("passwd", "group"):
        mounts += ["--ro-bind", str(folder / name), f"/etc/{name}"]
    rights = [f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs"]
    rights += ["--inh-caps=-all", "--bounding-set=-all"]
    confine = [sys.executable, "-m", "tests.support.confined_service", "/var/lib/restrictions.json"]
    wrapped = ["bwrap", *mounts, "--chdir", "/var/lib/dcm2set", "--cap-add", "ALL", "--", "setpriv", *rights]
    return [*wrapped, *confine, *command]


def environment(unit: Directives) -> dict[str, str]:
    """The variables that systemd gives to the service, and where Python finds this checkout."""
    own = dict(pair.split("=", 1) for line in unit["Environment"] for pair in line.split())
    user = unit["User"][0]
    return own | {
        "PATH": "/usr/bin:/bin", "USER": user, "LOGNAME": user, "HOME": "/var/lib/dcm2set",
        "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def _empty(place: Path) -> list[str]:
    return ["--tmpfs", str(place)] if place.is_dir() else []


def _programs() -> Iterator[Path]:
    """Where this checkout, its packages and its Python lie; a test may run from a closed folder."""
    seen: set[Path] = set()
    for name in (ROOT, Path(sys.prefix), Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()):
        if not any(name.is_relative_to(other) for other in seen):
            seen.add(name)
            yield name


def _visible(program: Path) -> list[str]:
    """Mount a folder at its own path, also below folders that others may not enter."""
    above = [parent for parent in reversed(program.parents) if len(parent.parts) > 1]
    closed = [parent for parent in above if not parent.stat().st_mode & 0o001 or str(parent) in _HIDDEN]
    if not closed:
        return ["--ro-bind", str(program), str(program)]
    hidden = [] if str(closed[0]) in _HIDDEN else ["--tmpfs", str(closed[0])]
    below = [parent for parent in above if parent != closed[0] and parent.is_relative_to(closed[0])]
    folders = [part for parent in below for part in ("--perms", "0755", "--dir", str(parent))]
    return [*hidden, *folders, "--ro-bind", str(program), str(program)]
