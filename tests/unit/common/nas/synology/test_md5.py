"""Files are compared with the MD5 that DSM computes."""

import pytest

from common.errors import DependencyAwayError, SettingsError
from common.nas.location import open_nas
from common.nas.nas import UnreadableError
from common.nas.synology.nas import SynologyNas
from common.settings import load_settings
from common.store.object_key import RAW
from tests.fake_dsm.client import client_of
from tests.fake_dsm.server import FakeDsm
from tests.fake_dsm.share import ROOT
from tests.support.poll_bench import Polls

PATH = f"{ROOT}/Doe^Jane/1.dcm"


def _read(nas: SynologyNas) -> bytes:
    with nas.open("Doe^Jane", "1.dcm") as stream:
        return b"".join(iter(lambda: stream.read(1000), b""))


@pytest.mark.parametrize("data", [b"", b"a", b"a file" * 10_000])
def test_a_file_that_is_as_on_the_nas_is_read(dsm: FakeDsm, data: bytes) -> None:
    """Its MD5 is compared once, when its end is read."""
    dsm.share.write(PATH, data)
    with client_of(dsm, check_md5=True) as nas:
        assert data == _read(nas)
    assert (1, 2, 0) == tuple(dsm.requests.count(method) for method in ("start", "status", "stop"))


def test_without_the_setting_nothing_is_compared(dsm: FakeDsm) -> None:
    """A changed byte of the right length is accepted then, and DSM computes nothing."""
    dsm.share.write(PATH, b"a file")
    dsm.faults["download"] = ["flip"]
    with client_of(dsm) as nas:
        assert b"a fild" == _read(nas)
    assert "start" not in dsm.requests


def test_a_byte_that_changed_on_the_way_is_found(dsm: FakeDsm) -> None:
    """The file never becomes an object, and the next poll copies it; the cause names no path."""
    dsm.share.write(PATH, b"a file")
    with client_of(dsm, check_md5=True) as nas:
        polls = Polls(nas=nas)
        dsm.faults["download"] = ["flip", None]
        answer = polls.until_quiet()
        assert [] == polls.store.keys(RAW)
        (cause,) = [folder["cause"] for folder in answer["folders"]]
        assert "changed on its way from the NAS" in cause
        assert "Doe" not in cause
        polls.until_quiet()
        (key,) = polls.store.keys(RAW)
        assert b"a file" == polls.store.buckets[RAW][key].data


@pytest.mark.parametrize(
    ("method", "fault"), [("start", "expire 106"), ("status", "expire 119"), ("status", "code 402")]
)
def test_a_request_that_failed_is_repeated(dsm: FakeDsm, method: str, fault: str) -> None:
    """A session that ended, and a busy DSM, are no obstacle."""
    dsm.share.write(PATH, b"a file")
    dsm.faults[method] = [fault]
    with client_of(dsm, check_md5=True) as nas:
        assert b"a file" == _read(nas)


@pytest.mark.parametrize(
    ("method", "faults"), [("start", ["http 502"] * 3), ("status", ["code 599"]), ("status", ["page"] * 3)]
)
def test_a_task_that_failed_refuses_the_file(dsm: FakeDsm, method: str, faults: list[str | None]) -> None:
    """A file whose MD5 can't be had is not accepted."""
    dsm.share.write(PATH, b"a file")
    dsm.faults[method] = faults
    with client_of(dsm, check_md5=True) as nas, pytest.raises(DependencyAwayError):
        _read(nas)


def test_a_task_whose_file_is_not_read_to_its_end_is_stopped(dsm: FakeDsm) -> None:
    """Otherwise DSM would go on reading the file; a download that is refused ends it too."""
    dsm.share.write(PATH, b"a file")
    with client_of(dsm, check_md5=True) as nas:
        with nas.open("Doe^Jane", "1.dcm") as stream:
            stream.read(1)
        dsm.share.unreadable.add(PATH)
        with pytest.raises(UnreadableError):
            nas.open("Doe^Jane", "1.dcm")
        assert ["FileStation_0", "FileStation_1"] == dsm.stopped


def test_a_task_that_never_ends_is_given_up(dsm: FakeDsm) -> None:
    """The file is copied by a later poll."""
    dsm.share.write(PATH, b"a file")
    with client_of(dsm, check_md5=True, seconds=0.3) as nas:
        stream = nas.open("Doe^Jane", "1.dcm")
        dsm.md5_tasks["FileStation_0"] = [""]
        with stream, pytest.raises(DependencyAwayError, match="too slowly"):
            list(iter(lambda: stream.read(1000), b""))
        assert ["FileStation_0"] == dsm.stopped


def test_a_nas_without_md5_is_told(dsm: FakeDsm) -> None:
    """The setting is named, for an old DSM and for a mounted share."""
    dsm.share.write(PATH, b"a file")
    dsm.offers_md5 = False
    with client_of(dsm, check_md5=True) as nas, pytest.raises(SettingsError, match="DCM2SET_NAS_CHECK_MD5"):
        nas.open("Doe^Jane", "1.dcm")
    with pytest.raises(SettingsError, match="DCM2SET_NAS_CHECK_MD5 needs a Synology NAS"):
        open_nas(load_settings(nas_url="file:///tmp", nas_check_md5=True))
