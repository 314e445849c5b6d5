"""PgBouncer in transaction mode between the functions and Postgres."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from infra.local.supervisor import Program

_SETTINGS = """\
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
max_client_conn = 1000
default_pool_size = {connections}
{user}
"""


def pgbouncer(
    folder: Path, port: int, server: int, passwords: Mapping[str, str], connections: int
) -> Program:
    """Return the program of a PgBouncer; `connections` of the server are for each role, at most."""
    users = folder / "pgbouncer.users"
    users.write_text("".join(f'"{name}" "{password}"\n' for name, password in passwords.items()))
    path = folder / "pgbouncer.ini"
    user = "user = nobody" if os.geteuid() == 0 else ""  # it refuses to run as root
    path.write_text(
        _SETTINGS.format(server=server, port=port, users=users, user=user, connections=connections)
    )
    for each in (users, path):
        each.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(each, "nobody")
    binary = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if binary is None:
        raise SystemExit("pgbouncer is missing (Debian: apt install pgbouncer).")
    return Program("pgbouncer", [binary, "-q", str(path)], {}, priority=4)
