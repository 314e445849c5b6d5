"""The systemd units, judged by systemd-analyze, and the commands in them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.home import Home
from tests.support.repository import ROOT
from tests.support.service_unit import directives

FOLDER = ROOT / "infra" / "service"
UNITS = sorted(FOLDER.glob("dcm2set*.*"))
MOST_EXPOSED = {"dcm2set.service": 1.3, "dcm2set-prometheus.service": 1.2}  # of 10, which has no restriction

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="Install the package systemd: nothing judges the units."
)


def _installed(unit: Path, folder: Path, *, without: str = "") -> Path:
    """A copy of a unit whose program is there."""
    text = unit.read_text(encoding="utf-8").replace(
        "/opt/dcm2set/.venv/bin/dcm2set", shutil.which("true") or ""
    )
    assert not without or f"\n{without}\n" in text
    copy = folder / unit.name
    copy.write_text(text.replace(f"\n{without}\n", "\n"), encoding="utf-8")
    return copy


def _analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "--no-pager", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say about the units, and would name a wrong word."""
    copies = [_installed(unit, tmp_path) for unit in UNITS]
    done = _analyze("verify", "--man=no", *copies)
    assert (0, "") == (done.returncode, done.stderr)
    copies[-1].write_text(copies[-1].read_text().replace("ProtectHome=yes", "ProtectHomes=yes"))
    assert "Unknown key 'ProtectHomes'" in _analyze("verify", "--man=no", *copies).stderr


@pytest.mark.parametrize("name", MOST_EXPOSED)
def test_a_service_is_hardened(name: str, tmp_path: Path) -> None:
    """`systemd-analyze security` judges it no worse than it was once, and worse without a line of it."""
    threshold = round(MOST_EXPOSED[name] * 10)
    options = ("security", "--offline=true", f"--threshold={threshold}")
    done = _analyze(*options, _installed(FOLDER / name, tmp_path))
    assert 0 == done.returncode, done.stdout
    assert 0 != _analyze(*options, _installed(FOLDER / name, tmp_path, without="ProtectHome=yes")).returncode


def test_the_service_starts_what_is_documented() -> None:
    """Its folders are those of docs/service.md, and SIGTERM goes to `up` alone, which ends the others."""
    unit = directives()
    text = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    for path in ("/opt/dcm2set", "/var/lib/dcm2set/home", "/etc/dcm2set/settings"):
        assert path in text
        assert path in str(unit)
    assert ["mixed"] == unit["KillMode"]
    assert ["continue"] == unit["OOMPolicy"]


def test_prometheus_gets_complete_files(tmp_path: Path) -> None:
    """The commands of the copying service replace both files, for the group of Prometheus and nobody else."""
    source, target = Home(tmp_path).prometheus, tmp_path / "etc"
    source.mkdir(), target.mkdir()
    for name in ("token", "functions.json"):
        (source / name).write_text(f"new {name}")
        (target / name).write_text("old")
    for command in directives(FOLDER / "dcm2set-prometheus.service")["ExecStart"]:
        words = command.replace("/var/lib/dcm2set/home/prometheus", str(source))
        words = words.replace("/etc/prometheus/dcm2set", str(target)).replace(
            "-g prometheus", f"-g {os.getgid()}"
        )
        subprocess.run(words.split(), check=True, timeout=30)
    assert {"token": "new token", "functions.json": "new functions.json"} == {
        path.name: path.read_text() for path in target.iterdir()
    }
    assert {0o440} == {path.stat().st_mode & 0o777 for path in target.iterdir()}
    watched = directives(FOLDER / "dcm2set-prometheus.path")["PathChanged"]
    assert {path.name for path in target.iterdir()} == {Path(path).name for path in watched}


def test_a_command_runs_with_the_settings_of_the_service(tmp_path: Path) -> None:
    """The script for the shell reads the same settings, names the person, and hands everything over."""
    settings = tmp_path / "settings"
    settings.write_text("DCM2SET_WINDOWS='{\"CT\": [40, 400]}'\n")
    script = (FOLDER / "dcm2set").read_text(encoding="utf-8").replace("/etc/dcm2set/settings", str(settings))
    change = "runuser -u dcm2set -- /opt/dcm2set/.venv/bin/dcm2set"
    assert change in script
    code = "import os, sys; print(os.environ['LOGNAME'], os.environ['DCM2SET_WINDOWS'], sys.argv[1:])"
    script = script.replace(change, f'{sys.executable} -c "{code}"')
    command = ["sh", "-c", script, "dcm2set", "release", "--why", "no name"]
    done = subprocess.run(command, env={"SUDO_USER": "jane"}, capture_output=True, text=True, check=True)
    assert "jane {\"CT\": [40, 400]} ['release', '--why', 'no name']\n" == done.stdout
    unit = " ".join(directives()["Environment"])
    assert [] == [line for line in ("DCM2SET_HOME", "XDG_CACHE_HOME") if _value(line, script) not in unit]


def _value(name: str, script: str) -> str:
    return next(line for line in script.splitlines() if line.startswith(f"{name}="))
