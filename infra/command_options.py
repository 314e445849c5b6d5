"""What several commands share: options, connections to a running home, output as JSON or text."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from infra.local.home import Home, read_endpoints

if TYPE_CHECKING:
    import psycopg

    from common.database import Database
    from common.store.minio_store import MinioStore

Command = TypeVar("Command", bound=Callable[..., Any])
Result = TypeVar("Result")

_ANSWER_SECONDS = 120.0  # of the database, for a query over many rows
OBJECTS_MISSING = 3  # exit code: the rest was written; what is missing or damaged is listed
EXISTING_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
NEW_FOLDER = click.Path(path_type=Path, file_okay=False)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def home_option(command: Command) -> Command:
    """Add `--home DIR`; the command receives a `Home` as its argument `home`."""
    option = click.option(
        "--home",
        type=NEW_FOLDER,
        # Unlike Path.resolve, this does not fail at a loop of links; creating the home does, with its cause.
        callback=lambda _context, _option, folder: Home(Path(os.path.realpath(folder))),
        envvar="DCM2SET_HOME",
        default=Path("dcm2set-home"),
        show_default=True,
        help="Folder with everything of one local dcm2set.",
    )
    return option(command)


def decision_options(why: str) -> Callable[[Command], Command]:
    """Add `--why` and `--who`, which are stored with a person's decision; `why` is the help of the first."""

    def decorate(command: Command) -> Command:
        return why_option(help_text=why, required=True)(who_option(command))

    return decorate


def why_option(*, help_text: str, required: bool = False) -> Callable[[Command], Command]:
    """Add `--why`, the reason of a person's decision; it is refused if it says nothing."""
    return click.option("--why", required=required, callback=_reason, help=help_text)


def _reason(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """The reason without spaces around it; it has at least one letter or digit."""
    if value is not None and not any(sign.isalnum() for sign in value):
        raise click.BadParameter("say why in words; the reason is stored with the decision")
    return None if value is None else value.strip()


def who_option(command: Command) -> Command:
    """Add `--who`, which is stored with a person's decision."""
    import getpass

    return click.option("--who", default=getpass.getuser, show_default="your user name")(command)


def print_result(result: Result, text: Callable[[Result], str], *, as_json: bool) -> None:
    """Print a result as indented JSON, or as the text that `text` makes of it."""
    if as_json:
        click.echo(orjson.dumps(result, option=orjson.OPT_INDENT_2, default=str))
    else:
        click.echo(text(result))


def operator_endpoints(home: Home) -> dict[str, Any]:
    """The URLs and keys of a running home; where there is no home, of the servers that the settings name.

    Raises SettingsError if the home does not run, and where there is none, if the settings name no servers.
    """
    from infra.provision.existing.settings_endpoints import endpoints_of_settings

    if not home.folder.exists() and (found := endpoints_of_settings()):
        return found
    return read_endpoints(home)


def database_url(home: Home) -> str:
    """The database's URL, with the operator's rights."""
    return str(operator_endpoints(home)["database_url"])


def operator_store(endpoints: dict[str, Any]) -> "MinioStore":
    """The object store, with the operator's rights."""
    from common.store.minio_store import MinioStore

    return MinioStore(**endpoints["minio"], notifications=endpoints["notifications"])


@contextmanager
def operator_database(endpoints: Mapping[str, Any]) -> "Iterator[Database]":
    """A pool of connections to the database, with the operator's rights."""
    from common.database import Database

    with closing(Database(endpoints["database_url"], answer_seconds=_ANSWER_SECONDS)) as database:
        yield database


@contextmanager
def connected(home: Home) -> "Iterator[tuple[psycopg.Connection[Any], MinioStore]]":
    """Connect to the database and the object store, with the operator's rights."""
    from common.database import connect

    endpoints = operator_endpoints(home)
    with connect(endpoints["database_url"]) as connection:
        yield connection, operator_store(endpoints)
