"""Commands about training sets: export, compare, verify."""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson
import psycopg

from common.errors import PermanentError, SettingsError, TransientError
from infra.command_options import Command, home_option, operator_store
from infra.local.home import Home, read_endpoints

if TYPE_CHECKING:
    from training_set.export.export_folder import Request
    from training_set.versions.frozen_set import FrozenSet

_MOST_TOLD = 20
_PACKAGES = ("matplotlib", "pyarrow", "sqlglot")
_VERSION = re.compile("v?([1-9][0-9]{0,8})")


def version_number(told: str) -> int:
    """A version's number, also as it stands in the names of folders."""
    found = _VERSION.fullmatch(told)
    if found is None:
        raise click.BadParameter(f"{told!r} is no version, as in 2 or v2.")
    return int(found[1])


def _selection_options(command: Command) -> Command:
    """What a version is asked for; what is not given is as in the set's last version."""
    from training_set.selection.options import RULES, UNCERTAIN

    options = (
        click.option("--where", help="Condition in SQL's words on columns and label('…'); see docs."),
        click.option("--label", "labels", multiple=True, help="A label column; default: all there are."),
        click.option("--rule", type=click.Choice(RULES), help="How annotators' labels become one."),
        click.option("--uncertain", type=click.Choice(UNCERTAIN), help="What becomes of -1."),
        click.option("--split", "shares", help="Default: train=0.8,validation=0.1,test=0.1"),
        click.option("--seed", type=int, help="Draws among patients alike; default 0."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@home_option
@click.argument("name")
@_selection_options
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Default: ./NAME-vN")
@click.option("--images", type=click.Choice(["copy", "link", "reference"]), default="copy", show_default=True)
@click.option(
    "--link-from",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Earlier export to take equal files from by hard link; with --images link.",
)
@click.option("--version", "number", type=version_number, help="Export this frozen version again.")
@click.option("--without-missing", is_flag=True, help="Go on if images of a frozen version are gone.")
@click.option("--at-a-time", type=click.IntRange(1, 16), default=8, show_default=True, help="Downloads.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def export(
    folder: Path,
    name: str,
    out: Path | None,
    images: Any,
    link_from: Path | None,
    number: int | None,
    without_missing: bool,
    at_a_time: int,
    as_json: bool,
    **asked: Any,
) -> None:
    """Freeze and number a training set, split by patient, and write it to a folder.

    Exported again without a change it is the same version, byte for byte; an interrupted export
    goes on. Exit code 1 if images of a frozen version are missing.
    """
    check_packages()
    from training_set.export.export_folder import ImagesMissingError, Request
    from training_set.versions.set_name import checked_name

    checked_name(name)
    _refuse_contradictions(number, images, link_from, asked)
    endpoints = read_endpoints(Home(folder.resolve()))
    try:
        with psycopg.connect(endpoints["database_url"]) as connection:
            export_set = _Export(connection, operator_store(endpoints), name)
            version = export_set.version(number, asked)
            place = out or Path(f"{name}-v{version.number}")
            request = Request(place, images, link_from, without_missing, at_a_time)
            written = export_set.write(version, request)
    except ImagesMissingError as error:
        click.echo(f"dcm2set: {error}\nWrite the others with --without-missing.", err=True)
        sys.exit(1)
    told = _told(written, place, is_new=version.is_new)
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2) if as_json else _text(told))


def _refuse_contradictions(
    number: int | None, images: str, link_from: Path | None, asked: dict[str, Any]
) -> None:
    if number is not None and any(value not in {None, ()} for value in asked.values()):
        raise PermanentError("A frozen version is exported as it is; --version takes no selection.")
    if (images == "link") != (link_from is not None):
        raise PermanentError("--images link and --link-from DIR belong together.")


class _Export:
    """One export, with its connections."""

    def __init__(self, connection: psycopg.Connection[Any], store: Any, name: str) -> None:
        self.connection, self.store, self.name = connection, store, name

    def version(self, number: int | None, asked: dict[str, Any]) -> Any:
        """The frozen version asked for, or a new one."""
        from training_set.selection.options import parse_splits
        from training_set.versions.freeze import Freezer, FrozenVersion
        from training_set.versions.frozen_files import load_frozen
        from training_set.versions.set_versions import known_version

        if number is not None:
            known = known_version(self.connection, self.name, number)
            return FrozenVersion(*load_frozen(self.store, self.name, known), is_new=False)
        shares = asked.pop("shares")
        options = {
            **asked,
            "labels": asked["labels"] or None,
            "splits": None if shares is None else parse_splits(shares),
        }
        return Freezer(self.connection, self.store, self.name, _tell).freeze(**options)

    def write(self, version: Any, request: "Request") -> "FrozenSet":
        """Its files into the folder."""
        from training_set.export.export_folder import write_export
        from training_set.export.image_places import frozen_places, places_now

        table = version.frozen.table
        places = frozen_places(table) if version.is_new else places_now(self.connection, table)
        self.connection.commit()
        _tell(f"{self.name} v{version.number} to {request.folder}")
        try:
            return write_export(version, places, self.store, request, _tell)
        except (KeyboardInterrupt, TransientError, OSError) as error:
            again = f"dcm2set export {self.name} --version {version.number} --out {request.folder}"
            _tell(f"Interrupted. To go on: {again} --images {request.images}")
            if isinstance(error, OSError):
                raise PermanentError(f"{request.folder} can't be written to ({error.strerror}).") from None
            raise


def _told(written: "FrozenSet", place: Path, *, is_new: bool) -> dict[str, Any]:
    head = written.head
    return {
        "name": head["name"],
        "version": head["version"],
        "is_new": is_new,
        "folder": str(place),
        "digest": head["digest"],
        "counts": head["counts"],
        "left_out": len(written.left_out),
        "missing": head.get("missing", {}),
    }


def _text(told: dict[str, Any]) -> str:
    counts = told["counts"]
    lines = [
        f"{told['name']} v{told['version']} ({'new' if told['is_new'] else 'unchanged'}) in {told['folder']}"
    ]
    for split, part in [*counts["splits"].items(), ("all", counts)]:
        lines.append(f"  {split:<11} {part['images']:>9,} images {part['patients']:>8,} patients")
    if told["left_out"]:
        lines.append(f"  {told['left_out']} image(s) left out; the manifest says why")
    lines += [f"  {number} image(s) missing: {cause}" for cause, number in told["missing"].items()]
    return "\n".join(lines)


@click.command()
@home_option
@click.argument("name")
@click.argument("older", type=version_number)
@click.argument("newer", type=version_number)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def diff(folder: Path, name: str, older: int, newer: int, as_json: bool) -> None:
    """Tell what differs between two versions of a training set: images, labels, splits, settings."""
    check_packages()
    from training_set.versions.differences import differences, differences_text
    from training_set.versions.frozen_files import load_frozen
    from training_set.versions.set_name import checked_name
    from training_set.versions.set_versions import known_version

    checked_name(name)
    endpoints = read_endpoints(Home(folder.resolve()))
    store = operator_store(endpoints)
    with psycopg.connect(endpoints["database_url"]) as connection:
        rows = [known_version(connection, name, number) for number in (older, newer)]
    before, after = (load_frozen(store, name, row)[0] for row in rows)
    found = differences(before, after)
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2) if as_json else differences_text(found))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def verify(folder: Path) -> None:
    """Check an exported folder: every file, patients and duplicates. Exit code 1 if anything is wrong."""
    check_packages()
    from training_set.export.verify import verify as find_wrong

    wrong = list(find_wrong(folder, _tell))
    for cause in wrong[:_MOST_TOLD]:
        click.echo(cause)
    if len(wrong) > _MOST_TOLD:
        click.echo(f"and {len(wrong) - _MOST_TOLD} more")
    click.echo("The export is as it was written." if not wrong else f"{len(wrong)} thing(s) are wrong.")
    sys.exit(1 if wrong else 0)


def check_packages() -> None:
    """Functions do without these packages, so an installation may."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise SettingsError(f"{', '.join(missing)} is not installed: pip install 'dcm2set[training-sets]'.")


def _tell(sentence: str) -> None:
    click.echo(sentence, err=True)
