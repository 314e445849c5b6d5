"""`dcm2set nas check` and `dcm2set nas trust` on a simulated DSM and on a mounted share."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result

from infra.cli import cli
from tests.fake_dsm.server import FakeDsm
from tests.fake_dsm.share import ROOT

pytestmark = pytest.mark.usefixtures("without_env_file")


@pytest.fixture(autouse=True)
def _settings(dsm: FakeDsm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two folders on the fake DSM, and the settings of the NAS name it."""
    dsm.share.write(f"{ROOT}/Doe^Jane/a.dcm", b"content")
    dsm.share.write(f"{ROOT}/old_processed2/a.dcm", b"content")
    monkeypatch.setenv("DCM2SET_NAS_URL", f"synology+https://127.0.0.1:{dsm.port}{quote(ROOT)}")
    monkeypatch.setenv("DCM2SET_NAS_USER", dsm.sign_in.user)
    monkeypatch.setenv("DCM2SET_NAS_PASSWORD", dsm.sign_in.password)
    monkeypatch.setenv("DCM2SET_NAS_CA_FILE", str(dsm.ca_file))
    monkeypatch.setenv("DCM2SET_NAS_TIMEOUT_SECONDS", "5")


def run(*command: str) -> Result:
    return CliRunner().invoke(cli, ["nas", *command])


def test_every_check_passes(dsm: FakeDsm) -> None:
    """Each check is a line without a name; afterwards the NAS has no new folder and no open session."""
    answer = run("check", "--write")
    assert 0 == answer.exit_code
    for text in ("2 folder(s)", "7 bytes", "created, renamed and removed", "4.7 GiB", "1 without the mark"):
        assert text in answer.output
    assert "Doe" not in answer.output
    assert {"Doe^Jane", "old_processed2"} == set(dsm.share.find(ROOT).entries)
    assert set() == dsm.sign_in.sids


def test_nothing_is_written_without_the_option(dsm: FakeDsm) -> None:
    """Without --write the NAS is only read."""
    answer = run("check")
    assert "not tried; --write" in answer.output
    assert not {"create", "rename", "delete"} & set(dsm.requests)


def test_no_right_to_rename(dsm: FakeDsm) -> None:
    """A read-only share is reported, with the setting that needs no renaming."""
    dsm.share.may_write = False
    answer = run("check", "--write", "--json")
    assert 1 == answer.exit_code
    wrong = [finding for finding in json.loads(answer.output) if not finding["is_good"]]
    assert ["rename"] == [finding["subject"] for finding in wrong]
    assert "DCM2SET_NAS_PROCESSED_MARK" in wrong[0]["text"]


def test_wrong_password(dsm: FakeDsm, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused login is reported in one line, after one attempt."""
    monkeypatch.setenv("DCM2SET_NAS_PASSWORD", "Marker-of-a-wrong-one")
    answer = run("check", "--write")
    assert 1 == answer.exit_code
    assert 1 == len(answer.output.strip().splitlines())
    assert "DCM2SET_NAS_PASSWORD" in answer.output
    assert "Marker" not in answer.output
    assert 1 == dsm.sign_in.tries


def test_mounted_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command checks a mounted share."""
    share = tmp_path / "share"
    (share / "f").mkdir(parents=True)
    (share / "f" / "a.dcm").write_bytes(b"123")
    monkeypatch.setenv("DCM2SET_NAS_URL", share.as_uri())
    answer = run("check", "--write")
    assert 0 == answer.exit_code, answer.output
    assert "3 bytes" in answer.output
    assert ["f"] == [path.name for path in share.iterdir()]


def test_no_nas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a NAS in the settings, the missing setting is named."""
    monkeypatch.delenv("DCM2SET_NAS_URL", raising=False)
    answer = run("check")
    assert (1, "WRONG  settings: DCM2SET_NAS_URL is not set.\n") == (answer.exit_code, answer.output)


def test_trust_gives_a_device_id(dsm: FakeDsm, monkeypatch: pytest.MonkeyPatch) -> None:
    """A login with a one-time code returns a device id; later logins with it need no code."""
    dsm.sign_in.otp_code = "123456"
    answer = run("trust", "--code", "123456")
    assert 0 == answer.exit_code, answer.output
    (line,) = [line for line in answer.output.splitlines() if "DEVICE_ID=" in line]
    monkeypatch.setenv("DCM2SET_NAS_DEVICE_ID", line.partition("=")[2])
    assert 0 == run("check").exit_code
