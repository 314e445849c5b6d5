"""The commands that show the state of a home and check this machine."""

import sys

import click

from infra.command_options import home_option, json_option, operator_endpoints, operator_store, print_result
from infra.local.home import Home


@click.command()
@home_option
@json_option
@click.option("--recount", is_flag=True, help="Count all rows again, and compare them with the totals.")
def status(home: Home, as_json: bool, recount: bool) -> None:
    """Show where all files and images are.

    Exit code 1 if the balance does not close, or if a recount finds other numbers.
    """
    from infra.health.status import is_closed, read_status
    from infra.health.status_text import status_text
    from infra.local.stores.delivery import delivery_sentence

    endpoints = operator_endpoints(home)
    found = read_status(endpoints["database_url"], operator_store(endpoints), recount=recount)
    found |= {"notifications": endpoints["notifications"], "delivery": delivery_sentence(endpoints)}
    print_result(found, status_text, as_json=as_json)
    sys.exit(0 if is_closed(found) else 1)


@click.command()
@home_option
def doctor(home: Home) -> None:
    """Show what is missing or wrong on this machine or in the settings, and what to do.

    Exit code 1 if anything is wrong.
    """
    from infra.health.doctor import examine
    from infra.health.finding import are_good, findings_text

    findings = examine(home)
    click.echo(findings_text(findings))
    sys.exit(0 if are_good(findings) else 1)
