"""The library with which Docker Compose reads an installation reads it as our tests do."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.compose.installation import read_environment
from tests.support.compose_file import read
from tests.support.repository import ROOT

_LOADER = Path(__file__).with_name("loader")
_SAME = ("read_only", "cap_drop", "security_opt", "user", "tmpfs", "image", "entrypoint", "command")
_GO = shutil.which("go") or "go"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation whose NAS has a name that needs quotes."""
    folder = tmp_path_factory.mktemp("compose") / "the $ite"
    options = ["--nas", "file:///mnt/na$%20%231", "--page-url", "https://page.example:444"]
    command = [sys.executable, "-m", "infra.cli", "init-compose", str(folder), *options]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    (folder / "settings.env").write_text("DCM2SET_BLACK_MEAN=4\n")
    return folder


@pytest.fixture(scope="module")
def project(folder: Path) -> dict[str, Any]:
    """The installation as the library prints it."""
    done = subprocess.run(
        [_GO, "run", "-mod=readonly", ".", str(folder)],
        cwd=_LOADER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    return dict(json.loads(done.stdout))


def test_services_are_the_same(folder: Path, project: dict[str, Any]) -> None:
    """Anchors, merged keys and variables give the same services, and settings reach the functions."""
    compose = read(read_environment(folder), folder / "compose.yaml")
    assert set(compose["services"]) == set(project["services"])
    for name, service in compose["services"].items():
        other = project["services"][name]
        assert {key: service.get(key) for key in _SAME} == {key: other.get(key) for key in _SAME}, name
        given = {"DCM2SET_BLACK_MEAN": "4"} if "env_file" in service else {}
        assert given | service.get("environment", {}) == other.get("environment", {}), name
        assert set(service["networks"]) == set(other["networks"])
        waits = {name: how["condition"] for name, how in other.get("depends_on", {}).items()}
        assert waits == {name: how["condition"] for name, how in service.get("depends_on", {}).items()}
        assert _secrets(service) == _secrets(other)


def _secrets(service: dict[str, Any]) -> dict[str, str]:
    uses = [used if isinstance(used, dict) else {"source": used} for used in service.get("secrets", ())]
    return {used.get("target", used["source"]).removeprefix("/run/secrets/"): used["source"] for used in uses}


def test_paths_with_odd_signs_are_kept(folder: Path, project: dict[str, Any]) -> None:
    """The NAS and every secret are the files that were meant; only the proxy publishes ports."""
    (nas,) = project["services"]["poll-nas"]["volumes"]
    assert ("/mnt/na$ #1", "/nas") == (nas["source"].replace("$$", "$"), nas["target"])
    for name, secret in project["secrets"].items():
        assert Path(secret["file"].replace("$$", "$")).parent.is_relative_to(folder / "secrets"), name
    published = {
        name: service["ports"] for name, service in project["services"].items() if "ports" in service
    }
    ports = [(port["published"], port["target"]) for port in published.pop("proxy")]
    assert ([("444", 8443), ("9443", 9443), ("9490", 9490)], {}) == (ports, published)
