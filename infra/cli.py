"""The command line: one command, `--help` everywhere, exit codes a script can use."""

import signal
import sys
import threading
from pathlib import Path

import click
import orjson
import psycopg

from common.errors import PipelineError
from common.settings import load_settings
from infra.backup.commands import backup, restore
from infra.command_options import home_option, operator_store
from infra.health.finding import are_good, findings_text
from infra.items.commands import release, replay, trace
from infra.labelling.commands import tasks
from infra.labelling.label_commands import labels
from infra.local.home import Home, read_endpoints
from infra.local.token_commands import rotate_token
from infra.nas.commands import nas
from infra.patients.commands import erase, pseudonym, report
from infra.quality.commands import quality
from infra.training_sets.commands import diff, export, verify

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dcm2set")
def cli() -> None:
    """Turn folders of DICOM files into a de-identified, quality-checked, labelled image set."""


@cli.command()
@home_option
def up(folder: Path) -> None:
    """Start MinIO, Postgres, every function and the timers; Ctrl-C ends them all.

    Set DCM2SET_NAS_URL=file:///path to poll a mounted share. What clients need stands in
    endpoints.json in the home folder, readable by its owner only.
    """
    from infra.local.runner import running

    home = Home(folder.resolve())
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with running(home, load_settings(), _tell) as run:
        _tell(f"Ready. Put files into raw/incoming/ at http://{run.endpoints['minio']['endpoint']}.")
        _tell(f"Keys and URLs: {home.endpoints}. Logs: {home.logs}. Ctrl-C ends everything.")
        run.watch(ended)


@cli.command()
@click.option("--home", "folder", type=click.Path(path_type=Path), help="A new folder; made if not given.")
def demo(folder: Path | None) -> None:
    """Run the whole line on real DICOM files in a fresh home, and show the balance."""
    from infra.demo.demo import run_demo

    sys.exit(run_demo(folder, _tell))


@cli.command()
@home_option
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.option("--recount", is_flag=True, help="Count all rows again, and compare with the sums.")
def status(folder: Path, as_json: bool, recount: bool) -> None:
    """Show where everything is. Exit code 1 if the balance does not close, or a recount differs."""
    from infra.health.status import is_closed, read_status
    from infra.health.status_text import status_text

    endpoints = read_endpoints(Home(folder.resolve()))
    told = read_status(endpoints["database_url"], operator_store(endpoints), recount=recount)
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2, default=str) if as_json else status_text(told))
    sys.exit(0 if is_closed(told) else 1)


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("model"), show_default=True)
@click.option("--good", type=_FOLDER, help="Own good images.")
@click.option("--bad", type=_FOLDER, help="Own bad images.")
@click.option("--weight", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True)
def train(out: Path, good: Path | None, bad: Path | None, weight: float) -> None:
    """Train the quality model on real images shipped in packages, and write it with its card.

    Own images (PNG or DICOM) count by --weight beside them; a folder, or what a name has before its
    first _ or ., is one patient.
    """
    from model.training.train import train as train_model

    out.mkdir(parents=True, exist_ok=True)
    card = train_model(out, progress=_tell, good=good, bad=bad, weight=weight)
    click.echo(orjson.dumps(card, option=orjson.OPT_INDENT_2, default=str))


@cli.command()
@home_option
def doctor(folder: Path) -> None:
    """Tell what is missing or wrong on this machine or in the settings, and what to do."""
    from infra.health.doctor import examine

    findings = examine(Home(folder.resolve()))
    click.echo(findings_text(findings))
    sys.exit(0 if are_good(findings) else 1)


for _command in (
    *(replay, release, trace, backup, restore, pseudonym, report, erase),
    *(quality, labels, tasks, nas, rotate_token),
    *(export, diff, verify),
):
    cli.add_command(_command)


def main() -> None:
    """The entry point: errors of ours are one line on standard error and exit code 2."""
    try:
        cli()
    except PipelineError as error:
        click.echo(f"dcm2set: {error}", err=True)
        sys.exit(2)
    except psycopg.OperationalError:
        click.echo("dcm2set: the database does not answer; is the home running?", err=True)
        sys.exit(2)


def _tell(sentence: str) -> None:
    click.echo(sentence)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
