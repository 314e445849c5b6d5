"""A home: the folder with everything of one local dcm2set."""

import json
import secrets
import shutil
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from common.errors import SettingsError
from infra.provision.function_card import function_cards
from infra.provision.private_text import write_private

_TRIES = 50  # to find a free TCP port that no other home is about to use
MARKER = "DCM2SET_PROCESS_OF"  # environment variable that marks every process of a home


@dataclass(frozen=True)
class Secrets:
    """Random secrets, created with the home and stored in it."""

    minio_user: str
    minio_password: str
    postgres_password: str
    token: str
    pseudonym_key: str
    minio_keys: dict[str, str]  # by function
    postgres_keys: dict[str, str]  # by function


@dataclass(frozen=True)
class TcpPorts:
    """The TCP ports of one run, on the loopback address."""

    minio: int
    postgres: int
    functions: dict[str, int]
    iam: int  # of an object store whose users are known to a service of its own


@dataclass(frozen=True)
class Home:
    """A home folder, and the paths of its files."""

    folder: Path

    def store_folder(self, name: str) -> Path:
        """The folder of an object store: all of MinIO's, or of another store with its data in a subfolder."""
        return self.folder / name

    def store_data(self, name: str) -> Path:
        """The folder of the objects."""
        return self.folder / name if name == "minio" else self.folder / name / "data"

    @property
    def minio_data(self) -> Path:
        return self.store_data("minio")

    @property
    def postgres_data(self) -> Path:
        return self.folder / "postgres"

    @property
    def logs(self) -> Path:
        return self.folder / "log"

    @property
    def scratch(self) -> Path:
        return self.folder / "tmp"

    def metrics(self, function: str) -> Path:
        """The folder with the metrics of a function's worker processes."""
        return self.folder / "metrics" / function

    @property
    def endpoints(self) -> Path:
        return self.folder / "endpoints.json"

    @property
    def token_file(self) -> Path:
        """The accepted tokens, the current one first; functions read the file again when it changes."""
        return self.folder / "tokens"

    @property
    def prometheus(self) -> Path:
        """The folder with the files for Prometheus."""
        return self.folder / "prometheus"

    @property
    def minio_environment(self) -> Path:
        """The environment file that MinIO reads at every start."""
        return self.folder / "minio.env"

    @property
    def supervisor_config(self) -> Path:
        return self.folder / "supervisord.conf"

    @property
    def last_nas(self) -> Path:
        """The URL of the NAS that the home polled last, without user and password."""
        return self.folder / "last_nas"

    @property
    def lock(self) -> Path:
        return self.folder / "up.lock"

    def create(self, store: str = "minio") -> None:
        """Create the folder and its subfolders, which only the owner can read; `store` names its store."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for subfolder in (self.store_folder(store), self.store_data(store), self.logs):
            subfolder.mkdir(mode=0o700, exist_ok=True)
        self.clear_scratch()
        self.scratch.mkdir(mode=0o700)
        shutil.rmtree(self.folder / "metrics", ignore_errors=True)
        for card in function_cards():
            self.metrics(card.function).mkdir(parents=True)

    def clear_scratch(self) -> None:
        """Remove files that killed workers left; originals lie there while they are processed."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def secrets(self) -> Secrets:
        """The home's secrets, which are created at the first use."""
        path = self.folder / "secrets.json"
        if not path.exists():
            self.store_secrets(_new_secrets())
        found = Secrets(**json.loads(path.read_text(encoding="utf-8")))
        if missing := [card.function for card in function_cards() if card.function not in found.minio_keys]:
            # The home is from a version without these functions.
            found = replace(
                found,
                minio_keys=found.minio_keys | _new_keys(missing),
                postgres_keys=found.postgres_keys | _new_keys(missing),
            )
            self.store_secrets(found)
        return found

    def set_pseudonym_key(self, key: str) -> None:
        """Use an existing key, in a new home."""
        self.store_secrets(replace(self.secrets(), pseudonym_key=key))

    def store_secrets(self, secrets: Secrets) -> None:
        """Replace the home's secrets."""
        write_private(self.folder / "secrets.json", asdict(secrets))

    def has_secrets(self) -> bool:
        """Whether the folder is a home that was used before."""
        return (self.folder / "secrets.json").exists()

    def known_secrets(self) -> Secrets:
        """The home's secrets; raises SettingsError if the folder is not a home."""
        if not (self.folder / "secrets.json").exists():
            raise SettingsError(f"{self.folder} is not a home, and DCM2SET_PSEUDONYM_KEY is not set.")
        return self.secrets()

    def tcp_ports(self) -> TcpPorts:
        """The TCP ports of the last run if they are free, otherwise other free ones."""
        with self.reserved_tcp_ports() as ports:
            return ports

    @contextmanager
    def reserved_tcp_ports(self) -> Iterator[TcpPorts]:
        """The same for the duration of the block, in which no other home on this machine takes them.

        A port is free until its server listens. Two homes that started together took the same one, and the
        one of them without it talked to the server of the other.
        """
        path = self.folder / "ports.json"
        names = ["minio", "postgres", "iam", *(card.function for card in function_cards())]
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        with ExitStack() as reservations:
            chosen = _free_tcp_ports([before.get(name, 0) for name in names], reservations)
            found = dict(zip(names, chosen, strict=True))
            write_private(path, found)
            minio, postgres, iam = (found.pop(name) for name in ("minio", "postgres", "iam"))
            yield TcpPorts(minio, postgres, found, iam)


def read_endpoints(home: Home) -> dict[str, Any]:
    """The URLs and keys of a running home; raises SettingsError if it does not run."""
    try:
        return dict(json.loads(home.endpoints.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise SettingsError(
            f"The home {home.folder} is not running; start it with: dcm2set up --home {home.folder}"
        ) from None


def nas_address(url: str | None) -> str | None:
    """The URL of a NAS without user and password; None without a NAS."""
    if url is None:
        return None
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def polled_nas(home: Home, url: str | None) -> str:
    """Say which NAS a home polls, and remember it; without one, name the last one that it polled."""
    address = nas_address(url)
    if address is not None:
        write_private(home.last_nas, address)
        return f"The NAS {address} is polled."
    if not home.last_nas.exists():
        return "No NAS is polled: DCM2SET_NAS_URL is not set."
    last = home.last_nas.read_text(encoding="utf-8")
    return (
        f"No NAS is polled. The last one was {last}: to poll it again, set DCM2SET_NAS_URL and start again."
    )


def write_tokens(home: Home, tokens: Iterable[str]) -> None:
    """Write the tokens that are accepted from now on, the current one first."""
    write_private(home.token_file, "".join(f"{token}\n" for token in tokens))


def _new_secrets() -> Secrets:
    functions = [card.function for card in function_cards()]
    return Secrets(
        minio_user="dcm2set-operator",
        minio_password=secrets.token_urlsafe(24),
        postgres_password=secrets.token_urlsafe(24),
        token=secrets.token_urlsafe(32),
        pseudonym_key=secrets.token_hex(32),
        minio_keys=_new_keys(functions),
        postgres_keys=_new_keys(functions),
    )


def _new_keys(functions: Iterable[str]) -> dict[str, str]:
    return {name: secrets.token_urlsafe(24) for name in functions}


def _free_tcp_ports(wanted: list[int], reservations: ExitStack) -> list[int]:
    """A free TCP port of the loopback address for each wanted one, which is used if it is free."""
    with ExitStack() as listeners:  # so that no port is chosen twice
        return [_free_tcp_port(port, listeners, reservations) for port in wanted]


def _free_tcp_port(wanted: int, listeners: ExitStack, reservations: ExitStack) -> int:
    for candidate in (wanted, *[0] * _TRIES):
        bound = listeners.enter_context(socket.socket())
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", candidate))
            port = int(bound.getsockname()[1])
            reservations.enter_context(_reservation(port))
        except OSError:
            continue
        return port
    raise SettingsError("No TCP port is free on 127.0.0.1.")


def _reservation(port: int) -> AbstractContextManager[object]:
    """A name that one process of the machine can have at a time; the kernel frees it when the process ends.

    It is an abstract socket address, which only Linux has (unix(7)). Raises OSError if another process has
    it.
    """
    if sys.platform != "linux":
        return nullcontext()
    holder = socket.socket(socket.AF_UNIX)
    try:
        holder.bind(f"\0dcm2set TCP port {port}")
    except OSError:
        holder.close()
        raise
    return holder
