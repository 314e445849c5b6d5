"""A home that `dcm2set up` runs in a separate process, and helpers for tests with it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

import psutil
import psycopg
import urllib3
from psycopg.rows import dict_row

from common.errors import DependencyAwayError
from common.process.parent_process import end_with_parent
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from infra.health.status import is_waiting, read_status
from infra.provision.function_card import function_cards
from infra.provision.serving import serving_command
from tests.support.free_ports import free_port

_ZYGOTE = "functions.extract.sandbox.zygote"
_UNSETTLED = "select from ledger_item where counted_as is null and state in ('running', 'retry') limit 1"
BUILD_SECONDS = 1800  # MinIO may have to be built first
Row = dict[str, Any]
T = TypeVar("T")


@dataclass
class RunningHome:
    """One running home."""

    folder: Path
    process: subprocess.Popen[bytes]
    settings: Mapping[str, str]
    _connection: psycopg.Connection[Row] | None = None  # of `rows`: a new one takes 15 ms of processor time
    _lock: RLock = field(default_factory=RLock, repr=False)

    @classmethod
    def start(
        cls, folder: Path, settings: Mapping[str, str], *, command: Sequence[str] = ()
    ) -> "RunningHome":
        """Start a home and wait for its endpoints.json; `command` replaces `dcm2set up`."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        output = folder.parent / "up.log"
        environment = {name: v for name, v in os.environ.items() if not name.startswith("DCM2SET_")}
        if "DCM2SET_MINIO" in os.environ:
            environment["DCM2SET_MINIO"] = os.environ["DCM2SET_MINIO"]
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", *(command or ("infra.cli", "up", "--home", str(folder)))],
                env=environment | settings,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                preexec_fn=partial(end_with_parent, signal.SIGTERM),  # noqa: PLW1509 not even if pytest is killed
            )
        home = cls(folder, process, settings)
        path = folder / "endpoints.json"
        wait_for(lambda: path.exists() or process.poll() is not None, seconds=BUILD_SECONDS)
        assert path.exists(), f"dcm2set up ended:\n{output.read_text()}"
        return home

    def end(self, *, signal_number: int = signal.SIGTERM) -> int:
        """End the home with a signal, as a user would; returns the exit code."""
        if self._connection is not None:
            self._connection.close()
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.process.wait(timeout=60)

    @cached_property
    def endpoints(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "endpoints.json").read_text(encoding="utf-8")))

    @cached_property
    def store(self) -> MinioStore:
        return MinioStore(**self.endpoints["minio"])

    def run_cli(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run `dcm2set` with this home; a command of a group is one argument, such as "nas check"."""
        command = [sys.executable, "-m", "infra.cli", *arguments[0].split()]
        command += ["--home", str(self.folder), *arguments[1:]]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    def rows(self, query: str, *values: object) -> list[Row]:
        """The rows of a query, with the rights of the operator."""
        with self._lock:
            try:
                return self._connected().execute(query, values).fetchall()
            except psycopg.OperationalError:  # the server was restarted since
                return self._connected(anew=True).execute(query, values).fetchall()

    def _connected(self, *, anew: bool = False) -> psycopg.Connection[Row]:
        if self._connection is None or self._connection.closed or anew:
            if self._connection is not None:
                self._connection.close()
            url = self.endpoints["database_url"]
            self._connection = psycopg.connect(
                url, row_factory=dict_row, autocommit=True, prepare_threshold=None
            )
        return self._connection

    def status(self) -> dict[str, Any]:
        """What `dcm2set status` shows."""
        return read_status(self.endpoints["database_url"], self.store)

    def put(self, key: str, data: bytes, *, bucket: str = "raw") -> str:
        """Put an object; returns its ETag.

        MinIO refuses a write whose folder it removes at this moment, because its last object was moved away.
        """

        def etag() -> str | None:
            try:
                return self.store.put(
                    Location(bucket, key), data, content_type="application/octet-stream"
                ).etag
            except DependencyAwayError:
                return None

        found = wait_for(etag, seconds=30)
        assert found, f"{bucket} takes no object"
        return found

    def post(
        self, function: str, body: object = None, *, token: str | None = None
    ) -> urllib3.BaseHTTPResponse:
        """POST to a function, with the home's token unless another is given."""
        bearer = self.endpoints["token"] if token is None else token
        return urllib3.request(
            "POST",
            self.endpoints["functions"][function],
            body=b"" if body is None else body if isinstance(body, bytes) else json.dumps(body),
            headers={"Authorization": f"Bearer {bearer}"},
            timeout=60,
            retries=False,
        )

    def item(self, function: str, key: str) -> Row | None:
        """The newest ledger row of a key, without the column counted_as, which a sweep sets later."""
        found = self.rows(
            "select * from ledger_item where function = %s and key = %s order by id desc limit 1",
            function,
            key,
        )
        return {name: value for name, value in found[0].items() if name != "counted_as"} if found else None

    def settled(self, function: str, key: str, *, seconds: float = 60) -> Row:
        """The ledger row of a key, as soon as it is settled."""

        def settled_row() -> Row | None:
            row = self.item(function, key)
            return row if row and row["state"] in {"done", "held", "quarantined"} else None

        found = wait_for(settled_row, seconds=seconds)
        assert found is not None, f"{function} has not settled {key}: {self.item(function, key)}"
        return found

    def wait_until_idle(self, *, seconds: float = 120) -> dict[str, Any]:
        """The status, as soon as nothing waits anywhere."""

        def idle_status() -> dict[str, Any] | None:
            if self.rows(_UNSETTLED):  # the status takes 60 ms of processor time, and this hardly any
                return None
            status = self.status()
            return None if is_waiting(status) else status

        found = wait_for(idle_status, seconds=seconds, pause=0.1)
        assert found is not None, f"work still waits: {self.status()}"
        return found

    def is_up(self) -> bool:
        """Whether every function is healthy and the servers answer."""
        try:
            health = [
                urllib3.request("GET", url, retries=False, timeout=10).json()["status"]
                for name, url in self.endpoints["functions"].items()
                if name != "poll_nas" or "DCM2SET_NAS_URL" in self.settings
            ]
        except (urllib3.exceptions.HTTPError, ValueError):
            return False
        return set(health) == {"ok"}

    def function_environment(self, function: str) -> dict[str, str]:
        """The environment variables with which supervisord started a function."""
        (process, *_) = self.processes(function)
        return process.environ()

    def store_of(self, function: str) -> MinioStore:
        """The object store, with the rights of a function's user."""
        environment = self.function_environment(function)
        return MinioStore(
            endpoint=environment["DCM2SET_MINIO_ENDPOINT"],
            access_key=environment["DCM2SET_MINIO_ACCESS_KEY"],
            secret_key=environment["DCM2SET_MINIO_SECRET_KEY"],
        )

    @contextmanager
    def second_process(self, function: str, environment: Mapping[str, str], folder: Path) -> Iterator[str]:
        """Serve a function a second time, as the home does; yields its URL once it answers."""
        port = free_port()
        (card,) = (card for card in function_cards() if card.function == function)
        with (folder / "second_process.log").open("wb") as log:
            process = subprocess.Popen(
                serving_command(card, host="127.0.0.1", port=port),
                env=environment,
                stdout=log,
                stderr=log,
            )
        try:
            url = f"http://127.0.0.1:{port}/"
            is_up = wait_for(lambda: _answers(url), seconds=60, pause=0.01)
            assert is_up, (folder / "second_process.log").read_text()
            yield url
        finally:
            process.terminate()
            process.wait(timeout=30)

    def processes(self, name: str) -> list[psutil.Process]:
        """The processes of a function or server, the parent first."""
        own = psutil.Process(self.process.pid).children(recursive=True)
        found = [process for process in own if _is_named(process, name)]
        return sorted(found, key=lambda process: process.create_time())

    def sandbox_processes(self) -> list[psutil.Process]:
        """The sandbox processes of extract, which have the command of the zygote that forked them."""
        return self.forked_processes(_ZYGOTE)

    def zygotes(self) -> list[psutil.Process]:
        """The processes that fork the sandbox processes of extract."""
        found = self.processes(_ZYGOTE)
        forked = self.sandbox_processes()
        return [process for process in found if process not in forked]

    def originals_in_work(self) -> list[Path]:
        """Originals in the temporary folder: of files that are in work, or left by a killed process."""
        found = [Path(folder, name) for folder, _, names in os.walk(self.folder / "tmp") for name in names]
        return [path for path in found if path.name == "source.dcm"]

    def forked_processes(self, name: str) -> list[psutil.Process]:
        """Of the processes with that name, those that another one of them forked, such as workers."""
        found = self.processes(name)
        pids = {process.pid for process in found}
        return [process for process in found if _parent(process) in pids]


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None


def _answers(url: str) -> bool:
    try:
        # 503: it lives, and says what it lacks.
        return urllib3.request("HEAD", url, retries=False, timeout=10).status in {200, 503}
    except urllib3.exceptions.HTTPError:
        return False


def _is_named(process: psutil.Process, name: str) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    return name in command or any(Path(part).name.partition("-")[0] == name for part in command[:1])


def wait_for(find: Callable[[], T], *, seconds: float, pause: float = 0.05) -> T | None:
    """Call `find` until it returns a true value, which is returned; None if the time is over.

    What takes much processor time itself gets a longer `pause` between two calls.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = find()
        if found:
            return found
        time.sleep(pause)
    return None
