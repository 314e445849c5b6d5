"""The command that sets up an existing database and object store."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Seconds to wait for servers that do not answer yet.",
)
@click.option(
    "--new-pseudonym-space",
    "new_space",
    metavar="NAME",
    help="Start a pseudonym space with another DCM2SET_PSEUDONYM_KEY: every patient gets another pseudonym.",
)
@click.option(
    "--store-environment",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Only write the variables of the webhooks to a file for MinIO (MINIO_CONFIG_ENV_FILE).",
)
def provision(wait_seconds: float, new_space: str | None, file: Path | None) -> None:
    """Set up the schema, roles, buckets, users and notifications of existing servers.

    It may run again and again, at every upgrade, and while the functions run. It reads the operator's
    rights from the settings, and the functions' passwords from the folders in DCM2SET_FUNCTION_SECRETS.
    """
    from common.settings import load_settings

    settings = load_settings()
    if file is not None:
        from infra.provision.existing.provision import write_store_environment

        write_store_environment(settings, file)
        click.echo(f"Start MinIO with MINIO_CONFIG_ENV_FILE={file}; only its owner can read the file.")
        return
    from infra.provision.existing.provision import provision as set_up

    set_up(settings, click.echo, wait_seconds=wait_seconds, new_space=new_space)
