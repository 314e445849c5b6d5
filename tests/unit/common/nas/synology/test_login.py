"""Logins to a Synology NAS: once, with every way DSM asks, and silent about secrets."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.errors import DependencyAwayError, SettingsError
from tests.fake_dsm.client import ROOT, client_of
from tests.fake_dsm.server import FakeDsm, running_dsm


@pytest.fixture
def dsm(tmp_path: Path) -> Iterator[FakeDsm]:
    with running_dsm(FakeDsm(), tmp_path) as dsm:
        dsm.share.write(f"{ROOT}/Doe^Jane/a.dcm", b"content")
        yield dsm


@pytest.mark.parametrize("version", [6, 7])
def test_login_over_tls(dsm: FakeDsm, version: int) -> None:
    """DSM 6 and DSM 7 let the account in, once for all requests."""
    dsm.sign_in.version = version
    with client_of(dsm) as nas:
        assert ["Doe^Jane"] == [folder.name for folder in nas.list_folders()]
        assert ["a.dcm"] == [file.path for file in nas.list_files("Doe^Jane")]
    assert 1 == dsm.sign_in.tries


@pytest.mark.parametrize("version", [6, 7])
def test_login_over_plain_http(version: int) -> None:
    """Without TLS the password is encrypted all the same."""
    with running_dsm(FakeDsm()) as dsm:
        dsm.sign_in.version = version
        dsm.share.write(f"{ROOT}/f/a.dcm", b"1")
        with client_of(dsm) as nas:
            assert ["f"] == [folder.name for folder in nas.list_folders()]


def test_client_logs_out(dsm: FakeDsm) -> None:
    """A client that ends leaves no session behind."""
    with client_of(dsm) as nas:
        nas.list_folders()
        assert 1 == len(dsm.sign_in.sids)
    assert set() == dsm.sign_in.sids


def test_wrong_password_is_tried_once(dsm: FakeDsm) -> None:
    """An account that was refused is not tried again: DSM would block the address."""
    with client_of(dsm, password="Marker-of-a-wrong-one") as nas:
        for _ in range(5):
            with pytest.raises(SettingsError, match="DCM2SET_NAS_PASSWORD"):
                nas.list_folders()
    assert 1 == dsm.sign_in.tries


def test_wrong_password_is_tried_once_by_many_threads(dsm: FakeDsm) -> None:
    """Several threads at a time make one try as well."""
    with client_of(dsm, password="wrong") as nas, ThreadPoolExecutor(8) as threads:
        errors = [threads.submit(nas.list_folders).exception() for _ in range(16)]
    assert {SettingsError} == {type(error) for error in errors}
    assert 1 == dsm.sign_in.tries


@pytest.mark.parametrize(
    ("code", "told"),
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
def test_refusal_names_the_setting(dsm: FakeDsm, code: int, told: str) -> None:
    """Every way to refuse an account is final, and names what to mend."""
    dsm.faults["login"] = [f"code {code}"]
    with client_of(dsm) as nas:
        for _ in range(2):
            with pytest.raises(SettingsError, match=told):
                nas.list_folders()


@pytest.mark.parametrize("fault", ["page", "http 502", "drop", "short", "code 100", "code 150", "code 999"])
def test_login_that_may_pass_is_tried_again_later(dsm: FakeDsm, fault: str) -> None:
    """A login that failed without a word on the account is a passing failure."""
    dsm.faults["login"] = [fault]
    with client_of(dsm) as nas:
        with pytest.raises(DependencyAwayError):
            nas.list_folders()
        assert 1 == len(nas.list_folders())


def test_one_time_code(dsm: FakeDsm) -> None:
    """A one-time code is used once; later logins go by the device id that DSM gave for it."""
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
    ("code", "told"), [(None, "DCM2SET_NAS_DEVICE_ID"), ("000000", "DCM2SET_NAS_OTP_CODE")]
)
def test_one_time_code_missing_or_wrong(dsm: FakeDsm, code: str | None, told: str) -> None:
    """Without the right code the login is refused, once."""
    dsm.sign_in.otp_code = "123456"
    with client_of(dsm, otp_code=code) as nas:
        for _ in range(2):
            with pytest.raises(SettingsError, match=told):
                nas.list_folders()
    assert 1 == dsm.sign_in.tries


@pytest.mark.parametrize("code", [106, 107, 119])
def test_one_login_per_expiry_whatever_the_threads(dsm: FakeDsm, code: int) -> None:
    """When a session ends under several threads, one of them logs in and all go on."""
    with client_of(dsm) as nas, ThreadPoolExecutor(8) as threads:
        nas.list_folders()
        dsm.faults["list"] = [f"expire {code}"]
        found = list(threads.map(lambda _: len(list(nas.list_files("Doe^Jane"))), range(40)))
    assert [1] * 40 == found
    assert 2 == dsm.sign_in.tries


def test_sessions_that_end_at_once_are_no_loop(dsm: FakeDsm) -> None:
    """If the new session is gone as well, that is told; there is no third login."""
    dsm.faults["list"] = ["expire 107"] * 9
    with client_of(dsm) as nas:
        with pytest.raises(DependencyAwayError, match="107"):
            nas.list_folders()
        assert 2 == dsm.sign_in.tries


def test_certificate_of_nobody_known_is_refused(dsm: FakeDsm) -> None:
    """A certificate that nobody vouches for is refused before any secret is sent."""
    with client_of(dsm, is_trusted=False) as nas, pytest.raises(DependencyAwayError, match="NAS_CA_FILE"):
        nas.list_folders()
    assert [] == dsm.urls


def test_unreachable_host(dsm: FakeDsm, tmp_path: Path) -> None:
    """A host that doesn't answer is told by the setting that names it."""
    with running_dsm(FakeDsm()) as gone:
        pass
    with client_of(gone) as nas, pytest.raises(DependencyAwayError, match="DCM2SET_NAS_URL"):
        nas.list_folders()


def test_nothing_secret_is_told(dsm: FakeDsm, capfd: pytest.CaptureFixture[str], log: list[str]) -> None:
    """Password, session and device appear in no URL, output, log, error or printed object."""
    told: list[str] = []
    logging.getLogger().addHandler(handler := _Kept(told))
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
                    told += [str(error), repr(error), str(error.__cause__), str(error.__suppress_context__)]
            told += [
                repr(vars(nas)),
                repr(vars(vars(nas)["_station"])),
                repr(vars(vars(vars(nas)["_station"])["_login"])),
            ]
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(before)
    captured = capfd.readouterr()
    seen = "\n".join([*told, *dsm.urls, *log, captured.out, captured.err])
    for secret in (dsm.sign_in.password, "Marker-of-a-password", "654321", *dsm.sign_in.given):
        assert secret not in seen
    assert "Doe" not in seen


class _Kept(logging.Handler):
    def __init__(self, told: list[str]) -> None:
        super().__init__()
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        self._told.append(record.getMessage())
