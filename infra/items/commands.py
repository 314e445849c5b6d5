"""Commands about items of the ledger: what happened to one, and those that are aside."""

import getpass
from pathlib import Path

import click
import orjson
import psycopg

from infra.command_options import home_option, operator_store
from infra.local.home import Home, read_endpoints


@click.command()
@home_option
@click.option("--item", "items", type=int, multiple=True, help="Item number; may be given again.")
@click.option("--function", help="All items of this function that are aside.")
@click.option("--state", type=click.Choice(["quarantined", "done"]), default="quarantined", show_default=True)
@click.option("--recipe-older-than", "recipe", type=int, help="Files drawn by an older picture recipe.")
def replay(
    folder: Path, items: tuple[int, ...], function: str | None, state: str, recipe: int | None
) -> None:
    """Put quarantined items back into the line, or work on settled ones again."""
    from infra.items.replay import choose_items, choose_older_recipe, put_back

    if not items and function is None and recipe is None:
        raise click.UsageError("Say which: --item NUMBER, --function NAME or --recipe-older-than VERSION.")
    endpoints = read_endpoints(Home(folder.resolve()))
    with psycopg.connect(endpoints["database_url"]) as connection:
        if recipe is not None:
            chosen = choose_older_recipe(connection, recipe)
        else:
            chosen = choose_items(connection, items=items, function=function, state=None if items else state)
        for item in chosen:
            put_back(connection, operator_store(endpoints), item)
    click.echo(f"{len(chosen)} item(s) put back.")


@click.command()
@home_option
@click.option("--item", "items", type=int, multiple=True, help="Item number; may be given again.")
@click.option("--cause", help="All items held for exactly this cause, as status tells it.")
@click.option("--device", help="All items held of exactly this device, as status tells it.")
@click.option("--why", required=True, help="Why it may pass; kept with your name.")
@click.option("--who", default=getpass.getuser, show_default="your user name")
def release(
    folder: Path, items: tuple[int, ...], cause: str | None, device: str | None, why: str, who: str
) -> None:
    """Let held items pass: a person has looked and found nothing that tells a patient."""
    from infra.items.replay import choose_items
    from infra.items.replay import release as release_item

    if not items and cause is None and device is None:
        raise click.UsageError("Say which: --item NUMBER, --cause TEXT or --device TEXT.")
    endpoints = read_endpoints(Home(folder.resolve()))
    with psycopg.connect(endpoints["database_url"]) as connection:
        chosen = choose_items(connection, items=items, state="held", cause=cause, device=device)
        for item in chosen:
            release_item(connection, operator_store(endpoints), item, who=who, why=why)
    click.echo(f"{len(chosen)} item(s) released.")


@click.command()
@home_option
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def trace(folder: Path, name: str, as_json: bool) -> None:
    """Tell the whole life of one file or image, with every attempt.

    NAME is an item's number, the source in a log line (file-N, item-N), an SOP Instance UID with or
    without /FRAME, or s3://BUCKET/KEY.
    """
    from infra.items.trace import trace as read_trace
    from infra.items.trace_text import trace_text

    told = read_trace(read_endpoints(Home(folder.resolve()))["database_url"], name)
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2, default=str) if as_json else trace_text(told))
