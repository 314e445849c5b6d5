"""Which NAS a home polls: what `up` and `doctor` say of it."""

import json
import stat
from pathlib import Path

import pytest

from common.settings import Settings, load_settings
from infra.health.doctor import nas_finding
from infra.local.home import Home, nas_address, polled_nas

_URL = "synology+https://reader:secret@nas.example:5001/share/dicom"
_ADDRESS = "synology+https://nas.example:5001/share/dicom"


def _running(home: Home, **endpoints: object) -> Home:
    home.endpoints.write_text(json.dumps(endpoints), encoding="utf-8")
    return home


def _settings(monkeypatch: pytest.MonkeyPatch, url: str | None) -> Settings:
    if url is None:
        monkeypatch.delenv("DCM2SET_NAS_URL", raising=False)
    else:
        monkeypatch.setenv("DCM2SET_NAS_URL", url)
    return load_settings()


def test_the_last_nas_is_named_when_none_is_polled(tmp_path: Path) -> None:
    """A home remembers the address, without user and password, and asks for it."""
    home = Home(tmp_path)
    assert polled_nas(home, None) == "No NAS is polled: DCM2SET_NAS_URL is not set."
    assert polled_nas(home, _URL) == f"The NAS {_ADDRESS} is polled."
    asked = polled_nas(home, None)
    assert asked.startswith(f"No NAS is polled. The last one was {_ADDRESS}: ")
    assert "secret" not in home.last_nas.read_text(encoding="utf-8")
    assert 0o600 == stat.S_IMODE(home.last_nas.stat().st_mode)
    assert polled_nas(home, "file:///mnt/dicom") == "The NAS file:///mnt/dicom is polled."
    assert "file:///mnt/dicom" in polled_nas(home, None)


@pytest.mark.parametrize(
    ("polled", "shell", "words"),
    [
        (_ADDRESS, None, [f"the running home polls {_ADDRESS};", "DCM2SET_NAS_URL is not set in this shell"]),
        (
            None,
            "file:///mnt/b",
            ["the running home polls none;", "of this shell names file:///mnt/b"],
        ),
        ("file:///mnt/a", "file:///mnt/b", ["the running home polls file:///mnt/a;", "names file:///mnt/b"]),
    ],
)
def test_the_doctor_tells_what_the_running_home_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, polled: str | None, shell: str | None, words: list[str]
) -> None:
    """Where the shell has another NAS or none, the home's is told, and nothing is tried from the shell."""
    finding = nas_finding(_running(Home(tmp_path), nas=polled), _settings(monkeypatch, shell))
    assert finding.is_good
    assert all(word in finding.text for word in words), finding.text


def test_the_doctor_tries_the_nas_that_home_and_shell_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same address in both: it is listed from the shell; without a running home the shell's counts."""
    share = tmp_path / "share"
    (share / "folder").mkdir(parents=True)
    settings = _settings(monkeypatch, share.as_uri())
    assert "1 folder(s)" in nas_finding(Home(tmp_path), settings).text
    home = _running(Home(tmp_path), nas=nas_address(share.as_uri()))
    assert "1 folder(s)" in nas_finding(home, settings).text
    assert "so no folder is polled" in nas_finding(Home(share), _settings(monkeypatch, None)).text
