"""The real Synology client on a fake DSM, with short time limits."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from common.errors import PipelineError
from common.nas.synology.connection import Connection
from common.nas.synology.file_station import FileStation
from common.nas.synology.login import Account, Login
from common.nas.synology.nas import SynologyNas
from tests.fake_dsm.server import FakeDsm
from tests.fake_dsm.share import ROOT


@contextmanager
def client_of(
    dsm: FakeDsm,
    *,
    password: str | None = None,
    otp_code: str | None = None,
    device_id: str | None = None,
    is_trusted: bool = True,
    seconds: float = 10,
    check_md5: bool = False,
) -> Iterator[SynologyNas]:
    """Give a client of the folder ROOT; its connections are closed afterwards."""
    connection = Connection(
        "127.0.0.1",
        dsm.port,
        secure=dsm.ca_file is not None,
        ca_file=dsm.ca_file if is_trusted else None,
        seconds=seconds,
        waits=(0, 0),
    )
    account = Account(dsm.sign_in.user, password or dsm.sign_in.password, otp_code, device_id)
    nas = SynologyNas(FileStation(connection, Login(connection, account)), root=ROOT, check_md5=check_md5)
    try:
        yield nas
    finally:
        dsm.faults.clear()
        with suppress(PipelineError):
            nas.close()
