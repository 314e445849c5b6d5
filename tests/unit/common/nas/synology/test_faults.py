"""A Synology NAS with faults: listings and downloads are complete, or raise an error."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from common.errors import DependencyAwayError, SettingsError, TransientError
from common.nas.nas import EARLIEST, LATEST, UnreadableError
from common.nas.synology.nas import SynologyNas
from tests.fake_dsm.client import client_of
from tests.fake_dsm.server import FakeDsm
from tests.fake_dsm.share import ROOT

TEMPORARY = ["page", "http 503", "drop", "short", "lost", "code 402"]


@pytest.fixture(autouse=True)
def _file(dsm: FakeDsm) -> None:
    dsm.share.write(f"{ROOT}/f/a.dcm", b"0123456789" * 1000)


@pytest.fixture
def nas(dsm: FakeDsm) -> Iterator[SynologyNas]:
    with client_of(dsm) as nas:
        yield nas


def _many(dsm: FakeDsm, number: int) -> None:
    for each in range(number):
        dsm.share.write(f"{ROOT}/many/{each:05}.dcm", b"1")


def _read(nas: SynologyNas, path: str = "a.dcm") -> bytes:
    with nas.open("f", path) as stream:
        return stream.read()


def test_ten_thousand_files_in_a_folder(dsm: FakeDsm, nas: SynologyNas) -> None:
    """A large folder is listed page by page, each file once."""
    _many(dsm, 10_000)
    assert [f"{each:05}.dcm" for each in range(10_000)] == [file.path for file in nas.list_files("many")]
    assert 10 == dsm.requests.count("list")


@pytest.mark.parametrize("fault", ["expire 106", "expire 107", "expire 119", *TEMPORARY])
def test_fault_in_the_middle_of_a_listing(dsm: FakeDsm, nas: SynologyNas, fault: str) -> None:
    """A page that fails is requested again; the listing is complete."""
    _many(dsm, 2_500)
    dsm.faults["list"] = [None, fault]
    assert 2_500 == len({file.path for file in nas.list_files("many")})


def test_listing_that_keeps_failing(dsm: FakeDsm, nas: SynologyNas) -> None:
    """After a few tries the NAS counts as away."""
    dsm.faults["list"] = ["http 503"] * 9
    with pytest.raises(DependencyAwayError, match="503"):
        nas.list_folders()
    assert 3 == dsm.requests.count("list")


def test_folder_that_changes_while_it_is_listed(dsm: FakeDsm, nas: SynologyNas) -> None:
    """A listing whose pages do not belong together raises an error."""
    _many(dsm, 1_500)
    answer = dsm.share.answer

    def changing(api: str, values: dict) -> dict:
        if values.get("offset"):
            dsm.share.remove(f"{ROOT}/many/00000.dcm")
        return answer(api, values)

    dsm.share.answer = changing
    with pytest.raises(DependencyAwayError, match="changed while it was listed"):
        list(nas.list_files("many"))


def test_folder_deleted_while_it_is_listed(dsm: FakeDsm, nas: SynologyNas) -> None:
    """A folder that is deleted between two pages raises an error."""
    _many(dsm, 1_500)
    listing = nas.list_files("many")
    answer = dsm.share.answer

    def deleting(api: str, values: dict) -> dict:
        answered = answer(api, values)
        if "many" in dsm.share.find(ROOT).entries:
            dsm.share.remove(f"{ROOT}/many")
        return answered

    dsm.share.answer = deleting
    with pytest.raises(DependencyAwayError, match="no longer has"):
        list(listing)


@pytest.mark.parametrize("fault", ["expire 106", "expire 107", "expire 119"])
def test_expiry_before_a_download(dsm: FakeDsm, nas: SynologyNas, fault: str) -> None:
    """DSM's JSON error with status 200 is not taken for the file; after one login the file is read."""
    nas.list_folders()
    dsm.faults["download"] = [fault]
    assert b"0123456789" * 1000 == _read(nas)
    assert 2 == dsm.sign_in.tries


@pytest.mark.parametrize(
    "fault", ["code 408", "code 400", "code 1100", "page", "http 404", "http 502", "lost"]
)
def test_error_instead_of_a_file(dsm: FakeDsm, nas: SynologyNas, fault: str) -> None:
    """Whatever the NAS sends instead of a file, nothing of it is returned."""
    dsm.faults["download"] = [fault]
    with pytest.raises(DependencyAwayError):
        _read(nas)


def test_file_that_is_json_is_a_file(dsm: FakeDsm, nas: SynologyNas) -> None:
    """A file that looks like DSM's error is still read as a file."""
    dsm.share.write(f"{ROOT}/f/error.json", b'{"success": false, "error": {"code": 119}}')
    assert b'{"success": false, "error": {"code": 119}}' == _read(nas, "error.json")


def test_dropped_download(dsm: FakeDsm, nas: SynologyNas) -> None:
    """A connection that ends within a file raises an error."""
    dsm.faults["download"] = ["drop"]
    with pytest.raises(DependencyAwayError):
        _read(nas)


def test_session_that_ends_within_a_download(dsm: FakeDsm, nas: SynologyNas) -> None:
    """A file that ends with the session raises an error; the next file is read after one login."""
    dsm.faults["download"] = ["cut"]
    with pytest.raises(DependencyAwayError):
        _read(nas)
    assert b"0123456789" * 1000 == _read(nas)
    assert 2 == dsm.sign_in.tries


def test_download_that_stalls(dsm: FakeDsm) -> None:
    """A download that stops in the middle is ended after the time limit."""
    dsm.faults["download"] = ["stall"]
    with client_of(dsm, seconds=0.3) as nas, pytest.raises(DependencyAwayError):
        _read(nas)


def test_threads_share_one_login(dsm: FakeDsm, nas: SynologyNas) -> None:
    """Several threads with an ended session cause one login."""
    nas.list_folders()
    together = Barrier(8)

    def read(_: int) -> bytes:
        together.wait(timeout=10)
        return _read(nas)

    for logins in range(2, 5):
        dsm.sign_in.sids.clear()
        with ThreadPoolExecutor(8) as threads:
            assert 8 == len(list(threads.map(read, range(8))))
        assert logins == dsm.sign_in.tries


def test_short_download_is_short(dsm: FakeDsm, nas: SynologyNas) -> None:
    """A body that is declared shorter than listed is returned as it is; callers compare the sizes."""
    dsm.faults["download"] = ["short"]
    assert 5_000 == len(_read(nas))


@pytest.mark.parametrize("method", ["list", "download", "login"])
def test_hang(dsm: FakeDsm, method: str) -> None:
    """A NAS that does not answer raises an error after the time limit."""
    dsm.faults[method] = ["hang"] * 3
    request = _read if method == "download" else SynologyNas.list_folders
    with client_of(dsm, seconds=0.2) as nas, pytest.raises(DependencyAwayError, match="ReadTimeoutError"):
        request(nas)


def test_rename_whose_answer_was_lost(dsm: FakeDsm, nas: SynologyNas) -> None:
    """A rename whose answer was lost is recognised, and not sent twice."""
    dsm.faults["rename"] = ["lost"]
    nas.rename_folder("f", "f_processed")
    assert ["f_processed"] == [folder.name for folder in nas.list_folders()]
    assert 1 == dsm.requests.count("rename")


@pytest.mark.parametrize("fault", ["http 502", "hang"])
def test_rename_that_did_not_happen(dsm: FakeDsm, fault: str) -> None:
    """A failed rename raises an error; the next try succeeds."""
    dsm.faults["rename"] = [fault]
    with client_of(dsm, seconds=0.2 if fault == "hang" else 10) as nas:
        with pytest.raises(DependencyAwayError):
            nas.rename_folder("f", "f_processed")
        nas.rename_folder("f", "f_processed")
        assert ["f_processed"] == [folder.name for folder in nas.list_folders()]


def test_no_right_to_rename(dsm: FakeDsm, nas: SynologyNas) -> None:
    """If the account may only read, the error names the setting that helps."""
    dsm.share.may_write = False
    with pytest.raises(SettingsError, match="DCM2SET_NAS_PROCESSED_MARK"):
        nas.rename_folder("f", "f_processed")


def test_taken_name(dsm: FakeDsm, nas: SynologyNas) -> None:
    """DSM's error 414 within a 1200 means that the name is taken."""
    dsm.share.write(f"{ROOT}/f_processed/x", b"")
    with pytest.raises(TransientError, match="taken"):
        nas.rename_folder("f", "f_processed")


def test_missing_share(dsm: FakeDsm, nas: SynologyNas) -> None:
    """The error for a missing share names its setting."""
    dsm.share.remove(ROOT)
    with pytest.raises(DependencyAwayError, match="DCM2SET_NAS_URL"):
        nas.list_folders()


def test_connections_are_kept(dsm: FakeDsm, nas: SynologyNas) -> None:
    """Consecutive requests use one connection."""
    for _ in range(50):
        _read(nas)
        nas.list_folders()
    assert 1 == dsm.connections


def test_clock_is_the_nas_s(dsm: FakeDsm, nas: SynologyNas) -> None:
    """The clock is the time in the answers of the NAS."""
    clock = nas.clock()
    assert clock is not None
    assert clock.tzinfo is not None


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"files": [{"name": "a.dcm"}], "total": 1},
        {"files": [{"name": "a.dcm", "isdir": False, "additional": {"size": "x"}}], "total": 1},
        {"files": ["a.dcm"], "total": 1},
        {"files": None, "total": "many"},
    ],
)
def test_answer_of_unexpected_form(dsm: FakeDsm, nas: SynologyNas, data: dict) -> None:
    """An answer of unexpected form raises an error that does not quote it."""
    dsm.share.answer = lambda *_: data
    with pytest.raises(DependencyAwayError) as caught:
        list(nas.list_files("f"))
    assert "a.dcm" not in str(caught.value)


@pytest.mark.parametrize(
    ("mtime", "expected"), [(910_692_730_085, LATEST), (1e300, LATEST), (-(10**12), EARLIEST)]
)
def test_time_that_no_datetime_takes(dsm: FakeDsm, nas: SynologyNas, mtime: float, expected: object) -> None:
    """A time beyond those of datetime, such as SMB's year 30828, is set to the nearest."""
    dsm.share.find(f"{ROOT}/f/a.dcm").mtime = mtime
    dsm.share.find(f"{ROOT}/f").mtime = mtime
    assert [expected] == [file.modified_at for file in nas.list_files("f")]
    assert [expected] == [folder.modified_at for folder in nas.list_folders()]


def test_unreadable_folder_is_one_entry_with_its_fault(dsm: FakeDsm, nas: SynologyNas) -> None:
    """The files beside an unreadable folder are listed, and the folder with what to do."""
    dsm.share.write(f"{ROOT}/f/secret/b.dcm", b"1")
    dsm.share.write(f"{ROOT}/f/z/c.dcm", b"1")
    dsm.share.unreadable = {f"{ROOT}/f/secret"}
    found = {file.path: file.fault for file in nas.list_files("f")}
    assert {"a.dcm": None, "z/c.dcm": None} == {path: found[path] for path in found if path != "secret"}
    assert "DCM2SET_NAS_USER" in (found["secret"] or "")


def test_unreadable_file(dsm: FakeDsm, nas: SynologyNas) -> None:
    """Only the file without the right is unreadable; the error says whom to give the right."""
    dsm.share.unreadable = {f"{ROOT}/f/a.dcm"}
    with pytest.raises(UnreadableError, match="DCM2SET_NAS_USER"):
        _read(nas)
    dsm.share.write(f"{ROOT}/f/b.dcm", b"2")
    assert b"2" == _read(nas, "b.dcm")


@pytest.mark.parametrize("name", ["..", "a/b", "", "\ud800", "a\0b"])
def test_name_that_no_file_can_have(dsm: FakeDsm, nas: SynologyNas, name: str) -> None:
    """The other files are listed; the name is one entry with its fault, which does not quote it."""
    entries = dsm.share.find(f"{ROOT}/f").entries
    assert entries is not None
    entries[name] = entries["a.dcm"]
    bad, good = sorted(nas.list_files("f"), key=lambda file: file.path)
    assert ("a.dcm", None) == (good.path, good.fault)
    assert "rename" in (bad.fault or "")
    assert bad.path.isprintable()
