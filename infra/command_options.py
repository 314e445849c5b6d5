"""What the commands share: the home they speak of, and its store."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from common.store.minio_store import MinioStore

Command = TypeVar("Command", bound=Callable[..., Any])


def home_option(command: Command) -> Command:
    """`--home DIR`, for every command that needs one."""
    return click.option(
        "--home",
        "folder",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="DCM2SET_HOME",
        default=Path("dcm2set-home"),
        show_default=True,
        help="Folder that holds everything of one local dcm2set.",
    )(command)


def operator_store(endpoints: dict[str, Any]) -> MinioStore:
    """The object store of a running home, with the operator's rights."""
    return MinioStore(**endpoints["minio"])
