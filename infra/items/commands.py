"""The commands that show, replay and release items of the ledger."""

from collections.abc import Callable
from pathlib import Path

import click

from common.ledger.ledger import PixelRectangle
from infra.command_options import (
    NEW_FOLDER,
    Command,
    connected,
    database_url,
    decision_options,
    home_option,
    json_option,
    print_result,
    who_option,
)
from infra.local.home import Home


def _rectangles(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[PixelRectangle, ...]:
    """The rectangles of --blank."""
    found = []
    for value in values:
        parts = value.split(",")
        if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
            raise click.BadParameter(f"expected LEFT,TOP,WIDTH,HEIGHT in pixels, not {value}")
        left, top, width, height = map(int, parts)
        if not width or not height:
            raise click.BadParameter(f"the rectangle {value} has no pixels")
        found.append((left, top, width, height))
    return tuple(found)


_items_option = click.option("--item", "items", type=int, multiple=True, help="Item number; may be repeated.")


def _held_options(which: str) -> Callable[[Command], Command]:
    """Add `--item`, `--cause` and `--device`, which choose held items; `which` begins their help."""

    def add(command: Command) -> Command:
        cause = click.option(
            "--cause", help=f"{which} items held for exactly this cause, as dcm2set status shows it."
        )
        device = click.option(
            "--device", help=f"{which} items held from exactly this device, as dcm2set status shows it."
        )
        return _items_option(cause(device(command)))

    return add


@click.command()
@home_option
@_items_option
@click.option("--function", help="All items of this function with the given state.")
@click.option("--state", type=click.Choice(["quarantined", "done"]), default="quarantined", show_default=True)
@click.option("--recipe-older-than", "recipe", type=int, help="Files rendered by an older recipe version.")
@who_option
def replay(
    home: Home, items: tuple[int, ...], function: str | None, state: str, *, recipe: int | None, who: str
) -> None:
    """Put quarantined or already settled items back into the pipeline."""
    from infra.provision.function_card import function_cards
    from oversight.decisions.chosen import check_settled, outlook
    from oversight.decisions.replay import WITHDRAWN, choose_items, choose_older_recipe
    from oversight.decisions.replay import replay as replay_item

    if not items and function is None and recipe is None:
        raise click.UsageError("Say which: --item NUMBER, --function NAME or --recipe-older-than VERSION.")
    with connected(home) as (connection, store):
        if recipe is not None:
            chosen = choose_older_recipe(connection, recipe)
        else:
            check_settled(connection, items, function, [card.function for card in function_cards()])
            chosen = choose_items(connection, items=items, function=function, state=None if items else state)
        withdrawn = [item.id for item in chosen if item.outcome == WITHDRAWN]
        chosen = [item for item in chosen if item.id not in withdrawn]
        for sentence in outlook(chosen):
            click.echo(sentence, err=True)
        for item in chosen:
            replay_item(connection, store, item, who=who)
    for number in withdrawn:
        click.echo(
            f"Item {number} stays out: a person decided that another file stands. See dcm2set trace "
            f"item-{number}; to let it stand: dcm2set resolve --item {number} --keep this --why TEXT",
            err=True,
        )
    click.echo(f"{len(chosen)} item(s) put back.")


@click.command()
@home_option
@_held_options("All")
@click.option("--nothing-found", is_flag=True, help="Only items in which the search found no text.")
@click.option(
    "--blank",
    "rectangles",
    multiple=True,
    metavar="LEFT,TOP,WIDTH,HEIGHT",
    callback=_rectangles,
    help="Make this rectangle of pixels black in every frame; may be repeated.",
)
@decision_options(why="Why they may pass; stored with your name.")
def release(
    home: Home,
    items: tuple[int, ...],
    cause: str | None,
    device: str | None,
    *,
    nothing_found: bool,
    rectangles: tuple[PixelRectangle, ...],
    why: str,
    who: str,
) -> None:
    """Let held items pass, after a person has seen that they do not identify a patient.

    With --blank, parts of the pictures are made black first, in the PNGs and in the DICOM file.
    """
    from oversight.decisions.chosen import Choice, choose_in_state
    from oversight.decisions.replay import release as release_item

    choice = Choice(items, cause, device, nothing_found=nothing_found)
    if choice.is_empty:
        raise click.UsageError("Say which: --item NUMBER, --cause TEXT, --device TEXT or --nothing-found.")
    with connected(home) as (connection, store):
        chosen = choose_in_state(connection, choice, "held")
        for item in chosen:
            release_item(connection, store, item, who=who, why=why, blank=rectangles)
    click.echo(f"{len(chosen)} item(s) released.")


@click.command()
@home_option
@_held_options("All")
@click.option("--undo", is_flag=True, help="Undo the refusal: the items are held again.")
@decision_options(why="Why they stay out, or why the refusal is undone; stored with your name.")
def refuse(
    home: Home,
    items: tuple[int, ...],
    cause: str | None,
    device: str | None,
    *,
    undo: bool,
    why: str,
    who: str,
) -> None:
    """Keep held files out for good, after a person has looked at them: the opposite of release.

    Nothing is made of a refused file, and its original stays in raw/held. With --undo it is held again,
    and can be released.
    """
    from oversight.decisions.chosen import Choice, choose_in_state
    from oversight.decisions.replay import extracted_before, undo_refusal
    from oversight.decisions.replay import refuse as refuse_item

    choice = Choice(items, cause, device, function="extract")
    if choice.is_empty:
        raise click.UsageError("Say which: --item NUMBER, --cause TEXT or --device TEXT.")
    with connected(home) as (connection, _):
        chosen = choose_in_state(connection, choice, "refused" if undo else "held")
        change = undo_refusal if undo else refuse_item
        number = sum(change(connection, item, who=who, why=why) for item in chosen)
        older = 0 if undo else extracted_before(connection, chosen)
    click.echo(f"{number} item(s) {'held again' if undo else 'refused'}.")
    if older:
        click.echo(
            f"{older} of them had been extracted before they were held: images of that time stay.", err=True
        )


@click.command()
@home_option
@click.option("--out", type=NEW_FOLDER, required=True, help="New folder, for its owner only.")
@_held_options("Only")
@click.option("-n", "most", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@click.option(
    "--frames",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Pictures of each item at most; those in which text was found come first.",
)
@who_option
def held(
    home: Home,
    out: Path,
    items: tuple[int, ...],
    cause: str | None,
    device: str | None,
    *,
    most: int,
    frames: int,
    who: str,
) -> None:
    """Write the pictures of held items, and a table of them, for the person who decides about them.

    The pictures may show who the patient is. Delete the folder when all of them are decided with release
    and refuse.
    """
    from common.settings import settings
    from infra.items.held_folder import TABLE, PictureLimits, write_held
    from oversight.decisions.chosen import Choice, choose_in_state
    from oversight.decisions.replay import choose_items

    choice = Choice(items, cause, device, function="extract")
    with connected(home) as (connection, store):
        if choice.is_empty:
            chosen = choose_items(connection, function="extract", state="held")
        else:
            chosen = choose_in_state(connection, choice, "held")
        numbers = [item.id for item in chosen[:most]]
        limits = PictureLimits(frames, settings().max_megabytes_per_file)
        written = write_held(connection, store, numbers, out, limits, who=who)
    click.echo(f"{written.pictures} picture(s) of {written.items} held item(s) and {TABLE} written.")
    if written.undrawn:
        click.echo(f"{written.undrawn} item(s) could not be drawn; the column note says why.")
    if len(chosen) > most:
        click.echo(f"{len(chosen) - most} more are held: decide about these first, or raise -n.")
    click.echo(
        "They may show who the patients are: only you can read the folder. Delete it when you are done."
    )


@click.command()
@home_option
@click.option("--item", "number", type=int, required=True, help="The item that was set aside for a conflict.")
@click.option("--keep", type=click.Choice(["this", "other"]), required=True, help="Which one stands.")
@decision_options(why="Why it stands; stored with your name.")
@json_option
def resolve(home: Home, number: int, keep: str, why: str, who: str, *, as_json: bool) -> None:
    """Decide which of two files stands that contradict one another.

    They have the same SOP Instance UID and other content, or one study under two patients. The other one is
    withdrawn with its images, metadata and rows; its labels follow where the frame exists. Compare them
    first with dcm2set trace. After an interruption run the same command again.
    """
    from infra.items.resolve import Decision, resolution_text
    from infra.items.resolve import resolve as resolve_item

    with connected(home) as (connection, store):
        result = resolve_item(connection, store, Decision(number, keep, why=why, who=who))
    print_result(result, resolution_text, as_json=as_json)


@click.command()
@home_option
@click.argument("name")
@json_option
def trace(home: Home, name: str, as_json: bool) -> None:
    """Show everything that happened to one file or image, with every attempt.

    NAME is the number of an item, the source in a log line (file-N, item-N), an SOP Instance UID with
    or without /FRAME, that of the original, s3://BUCKET/KEY, or the path of a file on the NAS. The folder
    may have its name from before or after it was marked as processed.
    """
    from infra.items.trace_text import trace_text
    from infra.provision.snapshot import read_snapshot
    from oversight.trace.trace import trace as read_trace

    url = database_url(home)

    def pseudonyms(uid: str) -> list[str]:
        from deidentification.pseudonym import Pseudonyms
        from infra.local.pseudonym_key import checked_keys

        keys, _ = checked_keys(home, url)
        return [Pseudonyms(key).uid(uid) for key in (keys.current, *keys.others)]

    with read_snapshot(url) as connection:
        found = read_trace(connection, name, pseudonyms=pseudonyms)
    print_result(found, trace_text, as_json=as_json)
