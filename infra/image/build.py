"""Build the image of the functions, or that of MinIO, with buildah: an archive, and its bill of materials.

``python -m infra.image.build [--of minio] [--base IMAGE | --debian-base] [--output build/image]``
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from common.errors import PipelineError
from infra.image.archive import ImageArchive
from infra.image.debian_base import debian_base, required_program, run

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
DOCKERFILES = {"functions": FOLDER / "Dockerfile", "minio": FOLDER / "minio.Dockerfile"}
_NAMES = {"functions": "dcm2set", "minio": "dcm2set-minio"}


@dataclass(frozen=True)
class Source:
    """What the images are built from."""

    revision: str  # of the commit; ends with + if files were changed since
    timestamp: int  # of the commit, in seconds; every file of the image has it


def source() -> Source:
    """The commit that is checked out."""
    git = [required_program("git", "git"), "-C", str(ROOT)]
    revision, timestamp = run([*git, "log", "-1", "--format=%H %ct"]).split()
    is_changed = bool(run([*git, "status", "--porcelain", "--untracked-files=no"]))
    return Source(revision + ("+" if is_changed else ""), int(timestamp))


def build_image(of: str, base: str | None, output: Path) -> ImageArchive:
    """Build an image without using earlier layers, and write its archive to a folder.

    `base` is the base image; without it, the Dockerfile's is used.
    """
    built_from, name = source(), _NAMES[of]
    output.mkdir(parents=True, exist_ok=True)
    archive, numbered = output / f"{name}.tar", output / f"{name}.id"
    buildah = required_program("buildah", "buildah")
    # In the format of Docker, as that of OCI has no health check.
    command = [buildah, "bud", "--isolation", "chroot", "--format", "docker", "--no-cache", "--quiet"]
    command += ["--timestamp", str(built_from.timestamp), "--tag", f"localhost/{name}"]
    command += ["--build-arg", f"REVISION={built_from.revision}", "--iidfile", str(numbered)]
    command += ["--ignorefile", str(FOLDER / "Dockerfile.dockerignore")]
    if base is not None:
        command += ["--build-arg", f"BASE={base}"]
    if _CERTIFICATES.exists():
        command += ["--secret", f"id=ca,src={_CERTIFICATES}"]
    run([*command, "--file", str(DOCKERFILES[of]), str(ROOT)])
    archive.unlink(missing_ok=True)  # buildah adds to an archive that is there
    run([buildah, "push", "--quiet", numbered.read_text(encoding="ascii"), f"docker-archive:{archive}"])
    return ImageArchive(archive)


def write_bill_of_materials(path: Path) -> None:
    """Write the packages of the image of the functions, with versions and hashes, in CycloneDX."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(FOLDER / "runtime.lock")]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--of", "JSON"]
    run([*command, "--output-file", str(path)])


@click.command()
@click.option("--of", type=click.Choice(sorted(DOCKERFILES)), default="functions", show_default=True)
@click.option("--base", metavar="IMAGE", help="Another base image than the Dockerfile's.")
@click.option(
    "--debian-base", is_flag=True, help="Make the base image of Debian's packages: without a registry."
)
@click.option(
    "--output", type=click.Path(path_type=Path), default=ROOT / "build" / "image", show_default=False
)
def build(of: str, base: str | None, output: Path, *, debian_base: bool) -> None:
    """Build an image with buildah, and write it as an archive for docker load and podman load."""
    try:
        if debian_base:
            base = _debian_base(source().timestamp)
        archive = build_image(of, base, output)
        if of == "functions":
            write_bill_of_materials(archive.path.with_suffix(".sbom.json"))
    except PipelineError as error:
        click.echo(f"dcm2set: {error}", err=True)
        sys.exit(2)
    click.echo(f"{archive.path}: {archive.digest}, {archive.unpacked_bytes / 1e6:.0f} MB unpacked")


_debian_base = debian_base  # the option of the command has the same name

if __name__ == "__main__":
    build()
