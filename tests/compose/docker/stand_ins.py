"""One image of Debian's packages that stands for those of Postgres, HAProxy and Prometheus.

Their own images come from a registry. Postgres is the one that `dcm2set up` runs.

``python -m tests.compose.docker.stand_ins`` makes it, and Docker Compose: the tests reach no network.
"""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from infra.image.debian_base import SUITE
from infra.image.runtime_root import USER
from infra.local.postgres_server import binary
from tests.compose.docker.engine import Engine, compose_program
from tests.support.repository import ROOT

ARCHIVE = ROOT / "build" / "image" / "stand-ins.tar"
_IMAGE = "localhost/dcm2set-stand-ins"
_POSTGRES = Path(binary("postgres")).parents[2]
_PATH = f"/opt/{_POSTGRES.name}/pginstall/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin"
_ENTRYPOINTS = Path(__file__).parents[1] / "entrypoints"
_ENTRYPOINT = {
    "postgres": ["postgres-entrypoint"],
    "proxy": ["haproxy-entrypoint"],
    "prometheus": ["prometheus"],
}


def make_stand_ins() -> None:
    """Write the files of the image as an archive."""
    copied = {_POSTGRES: "/opt", _POSTGRES.with_suffix(".libs"): "/opt"}
    copied |= dict.fromkeys(sorted(_ENTRYPOINTS.iterdir()), "/usr/local/bin")
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=haproxy,prometheus,wget"]
    command += [f"--customize-hook=copy-in {path} {target}" for path, target in copied.items()]
    # Postgres asks for the name of its user; its own image invents one.
    command += [f'--customize-hook=echo "service:x:{USER}:{USER}::/tmp:/bin/sh" >> "$1/etc/passwd"']
    ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command, SUITE, str(ARCHIVE)], check=True)


def load_stand_ins(engine: Engine) -> None:
    """Make an image of the archive."""
    done = engine.docker("import", "--change", f"ENV PATH={_PATH}", ARCHIVE, _IMAGE)
    assert done.returncode == 0, done.stderr


def write_override(file: Path) -> None:
    """Write the compose file that puts the image in the place of the others."""
    services: dict[str, Any] = {
        name: {"image": _IMAGE, "entrypoint": entrypoint} for name, entrypoint in _ENTRYPOINT.items()
    }
    file.write_text(yaml.safe_dump({"services": services}), encoding="utf-8")


if __name__ == "__main__":
    compose_program()
    make_stand_ins()
