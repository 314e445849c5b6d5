"""The command line `dcm2set`: its commands, and how errors become exit codes."""

import gc
import sys
from importlib.util import find_spec

import click
import psycopg

from common.errors import PipelineError
from infra.backup.commands import backup, restore
from infra.compose.commands import init_compose
from infra.demo.commands import demo
from infra.health.commands import doctor, status
from infra.items.commands import held, refuse, release, replay, resolve, trace
from infra.labelling.commands import labels, tasks
from infra.local.causes.os_errors import os_error_text
from infra.local.commands import rotate_token, timers, up
from infra.monitoring.commands import store_token
from infra.nas.commands import nas
from infra.page.commands import users
from infra.patients.commands import erase, erasures, pseudonym, report
from infra.provision.existing.commands import provision
from infra.quality.commands import quality, train
from infra.reconcile.commands import reconcile
from infra.training_sets.commands import diff, export, verify
from infra.training_sets.sets_commands import sets
from oversight.decisions.chosen import NotChosenError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dcm2set")
def cli() -> None:
    """Turn folders of DICOM files into a de-identified, quality-checked, labelled image set."""


for _command in (
    *(up, demo, status, doctor, reconcile, trace, replay, held, release, refuse, resolve),
    *(backup, restore, report, pseudonym, erase, erasures, nas, rotate_token, users),
    *(provision, timers, init_compose, store_token),
    *(quality, train, labels, tasks, export, diff, verify, sets),
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; an expected error is one line on standard error, and the exit code is 2.

    It is 1 if the command was asked about something that is not there.
    """
    gc.set_threshold(10_000)  # imports leave no garbage, but the search for it took a fifth of the start
    try:
        cli()
    except NotChosenError as error:
        click.echo(f"dcm2set: {error}", err=True)
        sys.exit(1)
    except PipelineError as error:
        click.echo(f"dcm2set: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        click.echo(f"dcm2set: The command can't go on: {os_error_text(error)}.", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        click.echo(f"dcm2set: {_missing_package(error)}", err=True)
        sys.exit(2)
    except psycopg.errors.DiskFull:
        click.echo("dcm2set: The disk of the database is full; it needs room.", err=True)
        sys.exit(2)
    except psycopg.OperationalError:
        click.echo("dcm2set: The database does not answer. Is the home running?", err=True)
        sys.exit(2)


def _missing_package(error: ModuleNotFoundError) -> str:
    """What to do about a package that is not installed; raises `error` if it is, and lacks a module."""
    name = str(error.name).partition(".")[0]
    if find_spec(name) is not None:
        raise error
    return (
        f"This command needs the package {name}, which is not installed here. To install what all need: "
        "pip install 'dcm2set[local,training-sets,train]'. Images have no home and train no model."
    )


if __name__ == "__main__":
    main()
