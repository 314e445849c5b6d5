"""The command that compares ledger, tables and object store, and mends what differs."""

import sys
from pathlib import Path

import click

from infra.command_options import (
    EXISTING_FOLDER,
    connected,
    home_option,
    json_option,
    operator_database,
    operator_endpoints,
    print_result,
    who_option,
    why_option,
)
from infra.local.home import Home


@click.command()
@home_option
@json_option
@click.option("--deep", is_flag=True, help="Read every object and compare its digest too.")
@click.option(
    "--rate", type=click.FloatRange(min=1), help="Objects and rows a second. Default: 2000; with --deep 100."
)
@click.option(
    "--second-look",
    type=click.FloatRange(min=1),
    default=60,
    show_default=True,
    help="Seconds until a difference is looked at again; only then it is a finding.",
)
@click.option("--redraw", "redrawn", multiple=True, type=int, metavar="NUMBER", help="Mend: work again.")
@click.option("--restore", "backup", type=EXISTING_FOLDER, help="Mend: put lost objects back from a backup.")
@click.option(
    "--forget",
    "forgotten",
    type=int,
    metavar="NUMBER",
    help="Mend: delete a surplus object, or accept a loss.",
)
@why_option(help_text="With --forget: why; stored with your name.")
@who_option
def reconcile(
    home: Home,
    *,
    as_json: bool,
    deep: bool,
    rate: float | None,
    second_look: float,
    redrawn: tuple[int, ...],
    backup: Path | None,
    forgotten: int | None,
    why: str | None,
    who: str,
) -> None:
    """Compare the ledger, the tables and the object store, and show how to mend each difference.

    An interrupted comparison is continued. Exit code 1 if anything differs. With a mend option nothing is
    compared: the findings of the last comparison are mended.
    """
    if redrawn or backup is not None or forgotten is not None:
        _mend(home, redrawn, backup, forgotten, why=why, who=who)
        return
    from infra.reconcile.report import compared, report_text

    found = compared(
        operator_endpoints(home),
        is_deep=deep,
        rate=rate or (100.0 if deep else 2000.0),
        pause=second_look,
        say=lambda sentence: click.echo(sentence, err=True),
    )
    print_result(found, report_text, as_json=as_json)
    sys.exit(1 if found["findings"] else 0)


def _mend(
    home: Home,
    redrawn: tuple[int, ...],
    backup: Path | None,
    forgotten: int | None,
    *,
    why: str | None,
    who: str,
) -> None:
    from common.reconcile.reconcile_rows import ReconcileRows
    from infra.reconcile.advice import advised
    from infra.reconcile.mend import forget, redraw, refuse_unknown, restore

    if forgotten is not None and not why:
        raise click.UsageError("--forget needs --why.")
    with operator_database(operator_endpoints(home)) as database, connected(home) as (connection, store):
        findings = ReconcileRows(database).findings()
        by_number = {finding.id: finding for finding in findings}
        refuse_unknown([*redrawn, *([forgotten] if forgotten is not None else [])], by_number)
        if redrawn:
            chosen = [each for each in advised(database, findings) if each.finding.id in set(redrawn)]
            click.echo(f"{redraw(connection, store, chosen)} put into the pipeline again.")
        if backup is not None:
            number, lacking = restore(connection, store, findings, backup)
            click.echo(f"{number} object(s) restored; {lacking} not in the backup as they were.")
        if forgotten is not None:
            click.echo(forget(connection, store, by_number[forgotten], who=who, why=why or ""))
