"""The object store spread over four nodes on loopback."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from infra.local.supervisor import Program

NODES = 4  # one of them may be away: writing needs three


def store_nodes(program: Program, folder: Path, ports: Sequence[int]) -> list[Program]:
    """Return the programs of the nodes instead of that of one server.

    Where a file `/.dockerenv` exists, MinIO takes itself for containerised and refuses loopback addresses.
    So the nodes see a root folder with everything else.
    """
    drives = [folder / f"drive-{number}" for number in range(1, len(ports) + 1)]
    for drive in drives:
        drive.mkdir(exist_ok=True)
    urls = [f"http://127.0.0.1:{port}{drive}" for port, drive in zip(ports, drives, strict=True)]
    binary = program.command[0]
    # MinIO would refuse drives that are folders of one disk.
    environment = {**program.environment, "MINIO_CI_CD": "1"}
    return [
        replace(
            program,
            name=f"minio-{number}",
            command=[
                *_without_docker_mark(),
                *(binary, "server", "--quiet", "--address", f"127.0.0.1:{port}"),
                *urls,
            ],
            environment=environment,
        )
        for number, port in enumerate(ports, 1)
    ]


def _without_docker_mark() -> list[str]:
    if not Path("/.dockerenv").exists():
        return []
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SystemExit("bwrap is missing (Debian: apt install bubblewrap).")
    command = [bwrap, "--die-with-parent"]
    for path in sorted(Path("/").iterdir()):
        if path.is_symlink():
            command += ["--symlink", str(path.readlink()), str(path)]
        elif path.name == "dev":
            command += ["--dev-bind", "/dev", "/dev"]
        elif path.name == "proc":
            command += ["--proc", "/proc"]
        elif path.name != ".dockerenv":
            command += ["--bind", str(path), str(path)]
    return command
