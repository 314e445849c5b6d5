"""Logins to a Synology NAS: one for all requests, with all methods of DSM, and without leaking secrets."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.errors import DependencyAwayError, SettingsError
from tests.fake_dsm.client import client_of
from tests.fake_dsm.server import FakeDsm, running_dsm
from tests.fake_dsm.share import ROOT


@pytest.fixture(autouse=True)
def _file(dsm: FakeDsm) -> None:
    dsm.share.write(f"{ROOT}/Doe^Jane/a.dcm", b"content")


@pytest.mark.parametrize("version", [6, 7])
def test_login_over_tls(dsm: FakeDsm, version: int) -> None:
    """One login to DSM 6 or DSM 7 serves all requests."""
    dsm.sign_in.version = version
    with client_of(dsm) as nas:
        assert ["Doe^Jane"] == [folder.name for folder in nas.list_folders()]
        assert ["a.dcm"] == [file.path for file in nas.list_files("Doe^Jane")]
    assert 1 == dsm.sign_in.tries


@pytest.mark.parametrize("version", [6, 7])
def test_login_over_plain_http(version: int) -> None:
    """Without TLS the password is still encrypted."""
    with running_dsm(FakeDsm()) as dsm:
        dsm.sign_in.version = version
        dsm.share.write(f"{ROOT}/f/a.dcm", b"1")
        with client_of(dsm) as nas:
            assert ["f"] == [folder.name for folder in nas.list_folders()]


def test_client_logs_out(dsm: FakeDsm) -> None:
    """A closed client leaves no session on the NAS."""
    with client_of(dsm) as nas:
        nas.list_folders()
        assert 1 == len(dsm.sign_in.sids)
    assert set() == dsm.sign_in.sids


def test_wrong_password_is_tried_once(dsm: FakeDsm) -> None:
    """A refused account is not tried again, since DSM would block the address."""
    with client_of(dsm, password="Marker-of-a-wrong-one") as nas:
        for _ in range(5):
            with pytest.raises(SettingsError, match="DCM2SET_NAS_PASSWORD"):
                nas.list_folders()
    assert 1 == dsm.sign_in.tries


def test_wrong_password_is_tried_once_by_many_threads(dsm: FakeDsm) -> None:
    """Several threads together make one try."""
    with client_of(dsm, password="wrong") as nas, ThreadPoolExecutor(8) as threads:
        errors = [threads.submit(nas.list_folders).exception() for _ in range(16)]
    assert {SettingsError} == {type(error) for error in errors}
    assert 1 == dsm.sign_in.tries


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (401, "DCM2SET_NAS_USER"),
        (402, "DCM2SET_NAS_USER"),
        (403, "DCM2SET_NAS_DEVICE_ID"),
        (404, "DCM2SET_NAS_OTP_CODE"),
        (407, "blocked"),
        (408, "DCM2SET_NAS_PASSWORD"),
        (499, "DSM error 499"),
    ],
)
def test_refusal_names_the_setting(dsm: FakeDsm, code: int, expected: str) -> None:
    """Every refusal is final, and its error names what to fix."""
    dsm.faults["login"] = [f"code {code}"]
    with client_of(dsm) as nas:
        for _ in range(2):
            with pytest.raises(SettingsError, match=expected):
                nas.list_folders()


@pytest.mark.parametrize("fault", ["page", "http 502", "drop", "short", "code 100", "code 150", "code 999"])
def test_login_that_failed_temporarily_is_tried_again(dsm: FakeDsm, fault: str) -> None:
    """A login that failed for a reason other than the account is a temporary failure."""
    dsm.faults["login"] = [fault]
    with client_of(dsm) as nas:
        with pytest.raises(DependencyAwayError):
            nas.list_folders()
        assert 1 == len(nas.list_folders())


def test_one_time_code(dsm: FakeDsm) -> None:
    """A one-time code is used once; later logins use the device id that DSM gave."""
    dsm.sign_in.otp_code = "123456"
    with client_of(dsm, otp_code="123456") as nas:
        nas.list_folders()
        device_id = nas.device_id()
        dsm.faults["list"] = ["expire 106"]
        assert 1 == len(nas.list_folders())
    assert 2 == dsm.sign_in.tries
    with client_of(dsm, device_id=device_id) as nas:
        assert 1 == len(nas.list_folders())


@pytest.mark.parametrize(
    ("code", "expected"), [(None, "DCM2SET_NAS_DEVICE_ID"), ("000000", "DCM2SET_NAS_OTP_CODE")]
)
def test_one_time_code_missing_or_wrong(dsm: FakeDsm, code: str | None, expected: str) -> None:
    """Without the right code the login is refused, once."""
    dsm.sign_in.otp_code = "123456"
    with client_of(dsm, otp_code=code) as nas:
        for _ in range(2):
            with pytest.raises(SettingsError, match=expected):
                nas.list_folders()
    assert 1 == dsm.sign_in.tries


@pytest.mark.parametrize("code", [106, 107, 119])
def test_one_login_per_expiry_for_all_threads(dsm: FakeDsm, code: int) -> None:
    """When a session of several threads ends, one of them logs in and all continue."""
    with client_of(dsm) as nas, ThreadPoolExecutor(8) as threads:
        nas.list_folders()
        dsm.faults["list"] = [f"expire {code}"]
        found = list(threads.map(lambda _: len(list(nas.list_files("Doe^Jane"))), range(40)))
    assert [1] * 40 == found
    assert 2 == dsm.sign_in.tries


def test_sessions_that_end_immediately_cause_no_loop(dsm: FakeDsm) -> None:
    """If the new session has ended too, an error is raised without a third login."""
    dsm.faults["list"] = ["expire 107"] * 9
    with client_of(dsm) as nas:
        with pytest.raises(DependencyAwayError, match="107"):
            nas.list_folders()
        assert 2 == dsm.sign_in.tries


def test_untrusted_certificate_is_refused(dsm: FakeDsm) -> None:
    """A certificate of an unknown CA is refused before any secret is sent."""
    with client_of(dsm, is_trusted=False) as nas, pytest.raises(DependencyAwayError, match="NAS_CA_FILE"):
        nas.list_folders()
    assert [] == dsm.urls


def test_unreachable_host(dsm: FakeDsm, tmp_path: Path) -> None:
    """The error for a host that does not answer names its setting."""
    with running_dsm(FakeDsm()) as stopped:
        pass
    with client_of(stopped) as nas, pytest.raises(DependencyAwayError, match="DCM2SET_NAS_URL"):
        nas.list_folders()


def test_no_secret_is_leaked(dsm: FakeDsm, capfd: pytest.CaptureFixture[str], log: list[str]) -> None:
    """Password, session and device id are in no URL, output, log, error or printed object."""
    shown: list[str] = []
    logging.getLogger().addHandler(handler := _Recorder(shown))
    before = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        with client_of(dsm, otp_code="654321") as nas:
            dsm.sign_in.otp_code = "654321"
            for fault in ("expire 106", "drop", "short", "page", "http 500", "code 105", "code 408"):
                dsm.faults["list"] = [fault] * 3
                try:
                    nas.list_folders()
                except Exception as error:  # noqa: BLE001
                    shown += [str(error), repr(error), str(error.__cause__), str(error.__suppress_context__)]
            shown += [
                repr(vars(nas)),
                repr(vars(vars(nas)["_station"])),
                repr(vars(vars(vars(nas)["_station"])["_login"])),
            ]
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(before)
    captured = capfd.readouterr()
    seen = "\n".join([*shown, *dsm.urls, *log, captured.out, captured.err])
    for secret in (dsm.sign_in.password, "Marker-of-a-password", "654321", *dsm.sign_in.given):
        assert secret not in seen
    assert "Doe" not in seen


class _Recorder(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__()
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(record.getMessage())
