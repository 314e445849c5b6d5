"""haproxy before the replicas of each function, and before the nodes of the object store."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local.supervisor import Program

# The timers of a home wait for an answer of sweep for as long as an hour.
_HEAD = """\
global
    maxconn 2000
defaults
    maxconn 2000
    timeout connect 3s
    timeout client 3600s
    timeout server 3600s
    retries 3
    option redispatch 1
"""
_CHECK = "check inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions"


def haproxy(
    folder: Path, functions: Mapping[int, Sequence[int]], store: tuple[int, Sequence[int]] | None
) -> Program:
    """Return the program of a haproxy that spreads requests over TCP ports of loopback.

    Parameters
    ----------
    functions
        For each TCP port that the world calls, those of the replicas behind it.
    store
        The same of the object store, if it has several nodes.
    """
    parts = [_HEAD]
    for port, replicas in functions.items():
        parts.append(_listener(port, replicas, ["mode http", "balance leastconn", "option httpchk HEAD /"]))
    if store is not None:
        port, nodes = store
        check = ["mode http", "balance leastconn", "option httpchk GET /minio/health/live"]
        parts.append(_listener(port, nodes, check))
    path = folder / "haproxy.cfg"
    path.write_text("\n".join(parts), encoding="utf-8")
    binary = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if binary is None:
        raise SystemExit("haproxy is missing (Debian: apt install haproxy).")
    return Program("haproxy", [binary, "-db", "-f", str(path)], {}, priority=5)


def _listener(port: int, servers: Sequence[int], options: Sequence[str]) -> str:
    lines = [f"listen port_{port}", f"bind 127.0.0.1:{port}", *options]
    lines += [f"server s{server} 127.0.0.1:{server} {_CHECK}" for server in servers]
    return "\n    ".join(lines) + "\n"
