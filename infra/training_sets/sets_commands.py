"""The commands that list and publish training sets."""

import sys
from pathlib import Path
from typing import Any

import click

from infra.command_options import (
    NEW_FOLDER,
    OBJECTS_MISSING,
    connected,
    home_option,
    json_option,
    print_result,
)
from infra.local.home import Home
from infra.training_sets.commands import allowed_labels, form_options
from infra.training_sets.packages import check_packages
from infra.training_sets.selection_options import version_number


@click.group()
def sets() -> None:
    """List and publish training sets."""


@sets.command("list")
@home_option
@json_option
def list_sets(home: Home, as_json: bool) -> None:
    """List all frozen versions with time, images and splits."""
    from training_set.versions.set_list import list_versions, versions_text

    with connected(home) as (connection, _):
        found = list_versions(connection)
    print_result(found, versions_text, as_json=as_json)


@sets.command()
@home_option
@click.argument("name")
@click.option("--to", required=True, help="A folder or s3://bucket/prefix. Nothing is overwritten there.")
@click.option("--version", "number", type=version_number, help="Default: the last version.")
@click.option("--endpoint", help="URL of the S3 store. Default: AWS_ENDPOINT_URL, otherwise Amazon's.")
@form_options
@click.option(
    "--hub", is_flag=True, help="The layout of the Hugging Face hub: Parquet, unless --format is given."
)
@click.option(
    "--work", type=NEW_FOLDER, help="Folder for exports until they are copied. Default: in the home."
)
@click.option("--without-missing", is_flag=True, help="Continue if images are missing or damaged.")
@click.option(
    "--any-label", is_flag=True, help="Publish also labels that DCM2SET_LABEL_VOCABULARY does not have."
)
@json_option
def publish(
    home: Home,
    name: str,
    to: str,
    number: int | None,
    endpoint: str | None,
    form: Any,
    shard_bytes: int,
    hub: bool,
    work: Path | None,
    without_missing: bool,
    any_label: bool,
    as_json: bool,
) -> None:
    """Copy a frozen version with its card to a folder or an S3 bucket, and verify every file there.

    A target that contains anything else is refused. An interrupted publication is continued by the same
    command. The keys of S3 are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.

    Exit code 3 if images are missing or damaged; they are listed.
    """
    check_packages()
    from infra.training_sets.publishing import Publication, publish_version, published_text
    from infra.training_sets.s3_target import open_target
    from training_set.export.export_folder import ImagesMissingError
    from training_set.versions.set_name import checked_name

    checked_name(name)
    form = "parquet" if hub and form == "folder" else form
    wanted = Publication(name, number, open_target(to, endpoint), form, shard_bytes, without_missing)
    folder, labels = work or home.folder / "publish", allowed_labels(any_label=any_label)
    try:
        with connected(home) as (connection, store):
            done = publish_version(
                wanted, folder, connection=connection, store=store, labels=labels, say=_say
            )
    except ImagesMissingError as error:
        click.echo(f"dcm2set: {error}\nPublish the others with --without-missing.", err=True)
        sys.exit(OBJECTS_MISSING)
    print_result(done, published_text, as_json=as_json)


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
