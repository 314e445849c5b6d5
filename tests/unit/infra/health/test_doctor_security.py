"""What the doctor says of secrets and of what leaves the machine."""

from pathlib import Path

import pytest

from common.settings import load_settings
from infra.health import doctor_security
from infra.health.doctor_security import security_findings
from infra.local.home import Home, write_tokens
from infra.provision.private_text import write_private


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that was made, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / "home")
    home.create()
    home.secrets()
    write_tokens(home, ["x" * 20])
    return home


def _wrong(home: Home, **given: object) -> list[str]:
    return [found.text for found in security_findings(home, load_settings(**given)) if not found.is_good]


def test_a_home_as_it_is_made_is_the_owner_s_alone(home: Home) -> None:
    """Nothing is found in a fresh home on loopback."""
    assert [] == _wrong(home)


@pytest.mark.parametrize("name", ["home", "home/secrets.json", "home/tokens", ".env"])
def test_what_others_can_read_is_named(home: Home, name: str) -> None:
    """A file with secrets that is open to others is told, with what to do."""
    path = home.folder.parent / name
    if not path.exists():
        path.write_text("")
    path.chmod(path.stat().st_mode | 0o044)
    assert [f"other users can read {path.name}: chmod go= on each"] == _wrong(home)


@pytest.mark.parametrize(
    "given",
    [
        {"minio_endpoint": "10.0.0.7:9000", "allow_plaintext": True},
        {"database_url": "postgresql://u:p@db.example/x", "allow_plaintext": True},
        {"database_url": "postgresql://u:p@db.example/x?sslmode=require"},
        {"nas_url": "synology+http://nas.example/share"},
        {"function_urls": {"extract": "http://extract.example"}},
    ],
)
def test_what_leaves_the_machine_in_the_clear_is_told(home: Home, given: dict) -> None:
    """Also where the settings allow it."""
    assert 1 == len(_wrong(home, **given))


def test_each_protection_that_the_sandbox_lacks_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a kernel that offers everything one line says so."""
    found = security_findings(home, load_settings())
    (line,) = (finding.text for finding in found if finding.subject == "sandbox")
    assert "Landlock" in line
    assert "seccomp" in line
    monkeypatch.setattr(doctor_security, "missing_protections", lambda: ["No Landlock.", "No seccomp."])
    assert ["No Landlock.", "No seccomp."] == _wrong(home)


def test_a_private_file_is_never_open_for_a_moment(home: Home) -> None:
    """A part left by someone, open to others, is not written into."""
    part = home.folder / "a.part"
    part.touch()
    part.chmod(0o666)
    write_private(home.folder / "a", "secret")
    assert 0o600 == (home.folder / "a").stat().st_mode & 0o777
    assert not part.exists()
