"""`dcm2set init-compose` makes secrets once, and all files that compose.yaml names."""

import os
import re
import ssl
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from infra.cli import cli
from infra.compose.installation import read_environment, urls
from infra.provision.existing.function_secrets import read_function_secrets
from infra.provision.store.webhooks import webhook_targets
from tests.support.compose_file import faults, read, schema_faults


def _run(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["init-compose", str(folder), *options], catch_exceptions=True)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new installation for this machine."""
    folder = tmp_path_factory.mktemp("installations") / "dcm2set"
    done = _run(folder)
    assert 0 == done.exit_code, done.output
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_that_compose_needs_is_there(installation: Path) -> None:
    """Every variable has a value, every file and folder exists, and the result has no fault."""
    compose = read(read_environment(installation), installation / "compose.yaml")
    assert [] == schema_faults(compose)
    assert [] == faults(compose)
    named = [part["file"] for kind in ("secrets", "configs") for part in compose[kind].values()]
    binds = [
        volume["source"] for service in compose["services"].values() for volume in service.get("volumes", ())
    ]
    assert [] == [name for name in (*named, *binds) if not (installation / name).exists()]


def test_secrets_are_private_and_different(installation: Path) -> None:
    """Only the user of the containers reads the secrets; no two are the same, and none is in another file."""
    uid = int(read_environment(installation)["DCM2SET_USER"].partition(":")[0])
    for path in (installation / "secrets").rglob("*"):
        mode = path.stat()
        assert (0o700 if path.is_dir() else 0o600, uid) == (stat.S_IMODE(mode.st_mode), mode.st_uid), path
    secrets = [
        path.read_text().strip()
        for path in (installation / "secrets").rglob("*")
        if re.fullmatch(r"tokens|monitoring_password|DCM2SET_\w+(KEY|PASSWORD)", path.name)
    ]
    filled = [secret for secret in secrets if secret]
    assert 19 == len(filled) == len(set(filled))
    assert min(map(len, filled)) >= 32
    others = [text for name, text in _files(installation).items() if not name.startswith("secrets/")]
    assert [] == [secret for secret in filled if any(secret.encode() in text for text in others)]
    assert 7 == len(read_function_secrets(installation / "secrets").store_keys)


def test_minio_gets_a_webhook_for_every_function_with_events(installation: Path) -> None:
    """The targets are the functions' names on the networks, and each has the token."""
    lines = dict(line.split("=", 1) for line in (installation / "secrets/store.env").read_text().splitlines())
    assert webhook_targets(urls()).items() <= lines.items()
    token = (installation / "secrets/token").read_text()
    tokens = {value for name, value in lines.items() if "AUTH_TOKEN" in name}
    assert {token} == tokens == set((installation / "secrets/tokens").read_text().split())


def test_nothing_is_overwritten(installation: Path) -> None:
    """A second run is refused in one sentence and changes nothing; nor does an update of the same version."""
    before = _files(installation)
    done = _run(installation)
    assert "is an installation already" in str(done.exception)
    assert before == _files(installation)
    assert "New secrets: none." in _run(installation, "--update").output
    assert before == _files(installation)


def test_an_update_makes_what_is_missing(tmp_path: Path) -> None:
    """A deleted secret is made again with all that follows from it; settings and other secrets stay."""
    folder = tmp_path / "dcm2set"
    assert 0 == _run(folder, "--page-url", "https://page.hospital.example:444").exit_code
    (folder / "settings.env").write_text("DCM2SET_BLACK_MEAN=4\n")
    before = _files(folder)
    (folder / "secrets/tokens").unlink()
    (folder / "compose.yaml").write_text("name: older\n")
    done = _run(folder, "--update")
    assert "New secrets: tokens." in done.output
    changed = {name for name, text in _files(folder).items() if before[name] != text}
    assert {"secrets/tokens", "secrets/token", "secrets/store.env"} == changed


def test_a_nas_is_polled_only_where_there_is_one(tmp_path: Path) -> None:
    """Without a NAS, poll-nas is not started, and not asked for metrics; a later one is taken over."""
    folder = tmp_path / "dcm2set"
    assert 0 == _run(folder).exit_code
    assert "" == read_environment(folder)["COMPOSE_PROFILES"]
    assert "poll-nas" not in (folder / "prometheus.yml").read_text()
    assert 0 == _run(folder, "--update", "--nas", "file:///mnt/nas").exit_code
    found = read_environment(folder)
    assert ("nas", "/mnt/nas") == (found["COMPOSE_PROFILES"], found["DCM2SET_NAS_FOLDER"])
    assert "poll-nas:8080" in (folder / "prometheus.yml").read_text()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), {"PAGE_ADDRESS": "127.0.0.1:443", "STORE_ADDRESS": "127.0.0.1:9443", "NAS_FOLDER": "./nas"}),
        (("--page-url", "https://page.example:444"), {"PAGE_ADDRESS": "444", "STORE_ADDRESS": "9443"}),
        (("--nas", "file:///mnt/na%23s%20$"), {"NAS_URL": "file:///nas", "NAS_FOLDER": "/mnt/na#s $"}),
        (("--nas", "file:///mnt/nas"), {"NAS_URL": "file:///nas", "NAS_FOLDER": "/mnt/nas"}),
        (
            ("--nas", "synology+https://nas:5001/dicom", "--nas-user", "reader"),
            {"NAS_URL": "synology+https://nas:5001/dicom", "NAS_FOLDER": "./nas", "NAS_USER": "reader"},
        ),
    ],
)
def test_choices_become_variables(tmp_path: Path, options: tuple[str, ...], expected: dict[str, str]) -> None:
    """With localhost only this machine reaches the ports; a mounted share is mounted at /nas."""
    assert 0 == _run(tmp_path / "dcm2set", *options).exit_code
    found = read_environment(tmp_path / "dcm2set")
    assert expected == {name: found[f"DCM2SET_{name}"] for name in expected}


def test_the_certificate_is_for_the_host_of_the_page(tmp_path: Path) -> None:
    """One is made for the host; the user's own is taken as it is, also later."""
    folder, own = tmp_path / "dcm2set", tmp_path / "own.pem"
    assert "browsers warn" in _run(folder, "--page-url", "https://page.example").output
    made = (folder / "secrets/proxy.pem").read_bytes()
    names = x509.load_pem_x509_certificate(made).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert ["page.example"] == names.value.get_values_for_type(x509.DNSName)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(folder / "secrets/proxy.pem")
    other = tmp_path / "other"
    _run(other, "--page-url", "https://page.example")
    own.write_bytes((other / "secrets/proxy.pem").read_bytes())
    assert 0 == _run(folder, "--update", "--certificate", str(own)).exit_code
    assert own.read_bytes() == (folder / "secrets/proxy.pem").read_bytes() != made


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--page-url", "http://page.example"), "begins with https"),
        (("--page-url", "https://page.example/path"), "DCM2SET_PAGE_URL is wrong"),
        (("--certificate", __file__), "expected a PEM file"),
        (("--nas", "file:///mnt/the 'nas'"), "DCM2SET_NAS_FOLDER can't be passed on"),
        (("--nas", "file:///mnt/nas#1"), "The NAS is wrong"),
        (("--nas", "synology+http://nas:5000/dicom"), "The NAS is wrong"),
        (("--update",), "is no installation"),
    ],
)
def test_wrong_choices_make_nothing(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    """The error is one sentence, and no secret is made."""
    done = _run(tmp_path / "dcm2set", *options)
    assert told in str(done.exception)
    assert not (tmp_path / "dcm2set" / "secrets").exists()


def test_another_user_gets_the_secrets(tmp_path: Path) -> None:
    """Root may give the secrets and the data to the user of the containers; others are told."""
    done = _run(tmp_path / "dcm2set", "--user", "4321:1234")
    if os.geteuid() != 0:
        assert "Only root" in str(done.exception)
        return
    owners = {path.stat().st_uid for path in (tmp_path / "dcm2set" / "secrets").rglob("*")}
    assert {4321} == owners
    assert "expected two numbers" in _run(tmp_path / "more", "--user", "root").output
    assert "no service runs as root" in _run(tmp_path / "more", "--user", "0:0").output
