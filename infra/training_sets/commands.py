"""The commands that export, compare and verify training sets."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from common.errors import PermanentError
from infra.command_options import (
    EXISTING_FOLDER,
    NEW_FOLDER,
    OBJECTS_MISSING,
    Command,
    connected,
    home_option,
    json_option,
    print_result,
)
from infra.local.home import Home
from infra.training_sets.packages import check_packages
from infra.training_sets.selection_options import selection_options, version_number

if TYPE_CHECKING:
    from training_set.selection.allowed_labels import AllowedLabels

_MOST_PRINTED = 20


def form_options(command: Command) -> Command:
    """Add `--format` and `--shard-size`; the command receives `form` and `shard_bytes`."""
    form = click.option(
        "--format",
        "form",
        type=click.Choice(["folder", "parquet", "webdataset"]),
        default="folder",
        show_default=True,
        help="Single PNG files, or shards with the pictures inside.",
    )
    size = click.option(
        "--shard-size",
        "shard_bytes",
        type=click.IntRange(1, 100_000),
        callback=lambda _context, _option, megabytes: megabytes * 1_000_000,
        default=500,
        show_default=True,
        help="MB of pictures in a shard, about.",
    )
    return form(size(command))


def _statement_options(command: Command) -> Command:
    """What the card states; what is not given is as in the last version, or as in the settings."""
    options = (
        click.option("--licence", help="Under which licence the set may be used. Asked once for a set."),
        click.option("--ethics", help="Reference of the consent or the vote of the ethics committee. Once."),
        click.option("--intended-use", help="What the set is meant for. Once."),
        click.option("--limits", help="What the set must not be used for, or can't show. Once."),
        click.option(
            "--without-statement",
            "without",
            help="Why some of these four are missing; the card says so. Once.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@home_option
@click.argument("name")
@selection_options
@_statement_options
@click.option("--out", type=NEW_FOLDER, help="Default: ./NAME-vN")
@click.option("--images", type=click.Choice(["copy", "link", "reference"]), default="copy", show_default=True)
@click.option(
    "--link-from",
    type=EXISTING_FOLDER,
    help="Earlier export from which equal files are hard-linked; with --images link.",
)
@form_options
@click.option("--version", "number", type=version_number, help="Export this frozen version again.")
@click.option("--without-missing", is_flag=True, help="Continue if images are missing or damaged.")
@click.option(
    "--any-label", is_flag=True, help="Export also labels that DCM2SET_LABEL_VOCABULARY does not have."
)
@click.option(
    "--at-a-time", type=click.IntRange(1, 16), default=8, show_default=True, help="Parallel downloads."
)
@json_option
def export(
    home: Home,
    name: str,
    out: Path | None,
    images: Any,
    link_from: Path | None,
    form: Any,
    shard_bytes: int,
    number: int | None,
    without_missing: bool,
    any_label: bool,
    at_a_time: int,
    as_json: bool,
    **selection: Any,
) -> None:
    """Freeze and number a training set, split by patient, and write it into a folder.

    Another export without a change is the same version, byte for byte. An interrupted export can be
    continued. Labels need a vocabulary or --any-label, and the first export a statement for the card.

    Exit code 3 if images are missing or damaged; they are listed.
    """
    check_packages()
    from infra.training_sets.export import Export, export_summary, export_text
    from training_set.export.export_folder import ExportRequest, ImagesMissingError
    from training_set.versions.set_name import checked_name

    checked_name(name)
    _refuse_contradictions(number, images, link_from, selection, form)
    try:
        with connected(home) as (connection, store):
            training_set = Export(connection, store, name, _say, allowed_labels(any_label=any_label))
            version = training_set.version(number, selection)
            folder = out or Path(f"{name}-v{version.number}")
            request = ExportRequest(folder, images, link_from, without_missing, at_a_time, form, shard_bytes)
            written = training_set.write(version, request)
    except ImagesMissingError as error:
        click.echo(f"dcm2set: {error}\nWrite the others with --without-missing.", err=True)
        sys.exit(OBJECTS_MISSING)
    print_result(export_summary(written, folder, is_new=version.is_new), export_text, as_json=as_json)


def allowed_labels(*, any_label: bool) -> "AllowedLabels":
    """The labels that may be exported: those of the vocabulary in the settings, or any."""
    from common.labels.vocabulary_file import read_vocabulary_file
    from common.settings import load_settings
    from training_set.selection.allowed_labels import ANY_LABEL, AllowedLabels

    if any_label:
        return ANY_LABEL
    return AllowedLabels(read_vocabulary_file(load_settings().label_vocabulary).labels)


def _refuse_contradictions(
    number: int | None, images: str, link_from: Path | None, selection: dict[str, Any], form: str
) -> None:
    is_given = {
        name: value is not None and value is not False and value != () for name, value in selection.items()
    }
    if number is not None and any(is_given.values()):
        raise PermanentError(
            "A frozen version is exported unchanged; --version allows no options of a new version."
        )
    if is_given["all_labels"] and is_given["labels"]:
        raise PermanentError("--all-labels and --label contradict each other.")
    if is_given["no_label_sets"] and is_given["label_sets"]:
        raise PermanentError("--no-label-sets and --label-set contradict each other.")
    if (images == "link") != (link_from is not None):
        raise PermanentError("--images link and --link-from DIR need each other.")
    if form != "folder" and images != "copy":
        raise PermanentError(
            f"--format {form} holds the pictures themselves; it allows no --images {images}."
        )


@click.command()
@home_option
@click.argument("name")
@click.argument("older", type=version_number)
@click.argument("newer", type=version_number)
@json_option
def diff(home: Home, name: str, older: int, newer: int, as_json: bool) -> None:
    """Show how two versions of a training set differ: images, labels, splits, settings."""
    check_packages()
    from training_set.versions.differences import differences, differences_text
    from training_set.versions.frozen_files import load_frozen
    from training_set.versions.set_name import checked_name
    from training_set.versions.set_versions import get_version

    checked_name(name)
    with connected(home) as (connection, store):
        rows = [get_version(connection, name, number) for number in (older, newer)]
    before, after = (load_frozen(store, name, row)[0] for row in rows)
    print_result(differences(before, after), differences_text, as_json=as_json)


@click.command()
@click.argument("folder", type=EXISTING_FOLDER)
def verify(folder: Path) -> None:
    """Check every file of an exported folder, its patients and its duplicates.

    Exit code 1 if anything is wrong.
    """
    check_packages()
    from training_set.export.verify import verify as find_faults

    faults = list(find_faults(folder, _say))
    for fault in faults[:_MOST_PRINTED]:
        click.echo(fault)
    if len(faults) > _MOST_PRINTED:
        click.echo(f"and {len(faults) - _MOST_PRINTED} more")
    click.echo(f"{len(faults)} fault(s) found." if faults else "The export is as it was written.")
    sys.exit(1 if faults else 0)


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
