"""Build the images with buildah: an archive of each, and its bill of materials.

``python -m infra.image.build [--of operator|minio] [--base IMAGE | --debian-base] [--reuse | --twice]``
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click

from common.errors import PipelineError, SettingsError
from infra.image.archive import ImageArchive, forget_build
from infra.image.debian_base import TIME, debian_base, required_program, run

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LOCKS = FOLDER / "locks"
_REVISION = "org.opencontainers.image.revision"


@dataclass(frozen=True)
class Image:
    """An image that can be built."""

    name: str
    dockerfile: Path
    target: str | None = None  # the stage of the Dockerfile
    locks: tuple[str, ...] = ()  # of the Python packages that it has


_FUNCTIONS = ("runtime.lock", "opencv.lock")
IMAGES = {
    "functions": Image("dcm2set", FOLDER / "Dockerfile", "functions", _FUNCTIONS),
    "operator": Image("dcm2set-operator", FOLDER / "Dockerfile", "operator", (*_FUNCTIONS, "operator.lock")),
    "minio": Image("dcm2set-minio", FOLDER / "minio.Dockerfile"),
}


def revision_of_source() -> str:
    """The commit that is checked out; it ends with + if files were changed since."""
    git = [required_program("git", "git"), "-C", str(ROOT)]
    revision = run([*git, "log", "-1", "--format=%H"])
    is_changed = bool(run([*git, "status", "--porcelain", "--untracked-files=no"]))
    return revision + ("+" if is_changed else "")


def build_image(image: Image, base: str | None, output: Path, *, reuse: bool = False) -> ImageArchive:
    """Build an image and write its archive to a folder.

    `base` is the base image; without it, the Dockerfile's is used. With `reuse`, layers of earlier builds
    are taken where nothing has changed.
    """
    output.mkdir(parents=True, exist_ok=True)
    archive, numbered = output / f"{image.name}.tar", output / f"{image.name}.id"
    buildah = required_program("buildah", "buildah")
    # In the format of Docker, as that of OCI has no health check.
    command = [buildah, "bud", "--isolation", "chroot", "--format", "docker", "--layers", "--quiet"]
    command += [] if reuse else ["--no-cache"]
    command += ["--timestamp", TIME, "--tag", f"localhost/{image.name}"]
    command += ["--iidfile", str(numbered)]
    command += ["--ignorefile", str(FOLDER / "Dockerfile.dockerignore")]
    command += ["--target", image.target] if image.target else []
    if base is not None:
        command += ["--build-arg", f"BASE={base}"]
    if _CERTIFICATES.exists():
        command += ["--secret", f"id=ca,src={_CERTIFICATES}"]
    run([*command, "--file", str(image.dockerfile), str(ROOT)])
    archive.unlink(missing_ok=True)  # buildah adds to an archive that is there
    run([buildah, "push", "--quiet", numbered.read_text(encoding="ascii"), f"docker-archive:{archive}"])
    # Not by the build argument REVISION: buildah takes the layers of an earlier commit, with its label.
    forget_build(archive, labels={_REVISION: revision_of_source()})
    return ImageArchive(archive)


def require_equal(first: ImageArchive, second: ImageArchive) -> None:
    """Raise SettingsError if two builds of an image are not one."""
    if first.digest != second.digest:
        raise SettingsError(
            f"Two builds of the image differ: {first.digest} and {second.digest}; compare their layers."
        )


def write_bill_of_materials(image: Image, path: Path) -> None:
    """Write the Python packages of an image, with versions and hashes, in CycloneDX."""
    with tempfile.NamedTemporaryFile("w", suffix=".lock", encoding="utf-8") as joined:
        joined.writelines((LOCKS / name).read_text(encoding="utf-8") for name in image.locks)
        joined.flush()
        command = [sys.executable, "-m", "cyclonedx_py", "requirements", joined.name]
        command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--of", "JSON"]
        run([*command, "--output-file", str(path)])


@click.command()
@click.option("--of", type=click.Choice(list(IMAGES)), default="functions", show_default=True)
@click.option("--base", metavar="IMAGE", help="Another base image than the Dockerfile's.")
@click.option(
    "--debian-base", is_flag=True, help="Make the base image of Debian's packages: without a registry."
)
@click.option("--reuse", is_flag=True, help="Take the layers of earlier builds where nothing has changed.")
@click.option("--twice", is_flag=True, help="Build it again from nothing; both builds must have one digest.")
@click.option(
    "--output", type=click.Path(path_type=Path), default=ROOT / "build" / "image", show_default=False
)
def build(of: str, base: str | None, output: Path, *, debian_base: bool, reuse: bool, twice: bool) -> None:
    """Build an image with buildah, and write it as an archive for docker load and podman load."""
    try:
        if debian_base:
            base = _debian_base()
        image = IMAGES[of]
        archive = build_image(image, base, output, reuse=reuse)
        if image.locks:
            write_bill_of_materials(image, archive.path.with_suffix(".sbom.json"))
        if twice:
            require_equal(archive, build_image(image, base, output / "again"))
    except PipelineError as error:
        click.echo(f"dcm2set: {error}", err=True)
        sys.exit(2)
    click.echo(f"{archive.path}: {archive.digest}, {archive.unpacked_bytes / 1e6:.0f} MB unpacked")


_debian_base = debian_base  # the option of the command has the same name

if __name__ == "__main__":
    build()
