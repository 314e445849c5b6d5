"""The binary of the MinIO server. MinIO (AGPL-3.0) is distributed as source only, so it is built once."""

from pathlib import Path

from infra.local.stores.go_program import GoProgram, Say, cache_folder

__all__ = ["MINIO", "VERSION", "cache_folder", "cached_binary", "find_minio", "minio_binary"]

VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
MINIO = GoProgram(
    title="MinIO",
    command="minio",
    package="github.com/minio/minio",
    version=VERSION,
    cost="about 2 to 6 minutes and 3 GB of disk space",
    oldest_go=(1, 24),
)


def minio_binary(say: Say) -> Path:
    """The binary of the server, built if there is none; `say` is called at the beginning of long steps."""
    return MINIO.binary(say)


def find_minio() -> Path | None:
    """The binary if there is one already, otherwise None."""
    return MINIO.found()


def cached_binary() -> Path:
    """The file of the built binary; its name contains the version."""
    return MINIO.cached()
