"""A process that polls a fake DSM, with the real store and database, until it is killed."""

from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, BinaryIO

from common.database import Database
from common.errors import PipelineError
from common.nas.login_refusal import PostgresRefusals
from common.nas.processed_mark import Mark
from common.nas.synology.connection import Connection
from common.nas.synology.file_station import FileStation
from common.nas.synology.login import Account, Login
from common.nas.synology.nas import SynologyNas
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from functions.poll_nas.copy_files import FileCopier
from functions.poll_nas.poll_folders import FolderPoller, PollLimits
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from functions.poll_nas.unpack_archive import ArchiveLimits
from tests.fake_dsm.share import ROOT


class BucketStore(MinioStore):
    """A store that writes all objects into one bucket without notifications."""

    bucket = ""

    def upload(self, location: Location, stream: BinaryIO, *, size: int) -> ObjectVersion:
        return super().upload(Location(self.bucket, location.key), stream, size=size)


@dataclass(frozen=True)
class Polling:
    """The settings of a polling process."""

    minio: Mapping[str, Any]
    bucket: str
    database_url: str
    port: int  # of the fake DSM
    ca_file: Path
    user: str
    password: str
    quiet_seconds: float = 0
    check_md5: bool = False

    def poller(self) -> FolderPoller:
        """A poller like that of poll_nas."""
        store, database = BucketStore(**self.minio), Database(self.database_url)
        store.bucket = self.bucket
        connection = Connection(
            "127.0.0.1", self.port, secure=True, ca_file=self.ca_file, seconds=2, waits=(0, 0)
        )
        login = Login(connection, Account(self.user, self.password), refusals=PostgresRefusals(database))
        nas = SynologyNas(FileStation(connection, login), root=ROOT, check_md5=self.check_md5)
        rows = PostgresSourceRows(database)
        copier = FileCopier(nas, store, rows, threads=4, limits=ArchiveLimits(100, 10_000_000))
        limits = PollLimits(self.quiet_seconds, budget_seconds=60, recheck_folders=2, folders=3)
        return FolderPoller(nas, rows, copier, Mark("<name>_processed"), limits)


def poll_until_killed(polling: Polling, pipe: Pipe) -> None:
    """Poll forever, and send each answer through the pipe."""
    poller = polling.poller()
    while True:
        try:
            pipe.send(str(poller.poll()))
        except PipelineError as error:
            pipe.send(str(error))
