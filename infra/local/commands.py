"""The commands that start a home, and change its token."""

import sys

import click

from common.errors import DependencyAwayError
from infra.command_options import home_option, operator_database
from infra.local.home import Home, polled_nas


@click.command()
@home_option
@click.option(
    "--new-pseudonym-space",
    "new_space",
    metavar="NAME",
    help="Start a pseudonym space with another DCM2SET_PSEUDONYM_KEY: every patient gets another pseudonym.",
)
def up(home: Home, new_space: str | None) -> None:
    """Start the object store, Postgres, all functions and the timers; Ctrl-C ends them.

    With DCM2SET_NAS_URL=file:///path a mounted share is polled. Clients find URLs and keys in
    endpoints.json in the home folder, which only its owner can read.
    """
    from common.process.end_signal import ended_by_signal
    from common.settings import load_settings
    from infra.local.runner import running
    from infra.local.service.service_manager import (
        READY,
        STOPPING,
        has_service_manager,
        tell_service_manager,
    )
    from infra.local.stores.delivery import delivery_sentence
    from infra.provision.image_limit import image_limit_sentence
    from oversight.accounts.first_link import page_sentence

    ended = ended_by_signal()
    settings = load_settings()
    with running(home, settings, click.echo, new_pseudonym_space=new_space) as run:
        click.echo(polled_nas(home, settings.nas_url))
        if not run.endpoints["notifications"]:
            click.echo(delivery_sentence(run.endpoints))
        with operator_database(run.endpoints) as database:
            if limit := image_limit_sentence(database, settings.images_per_bucket):
                click.echo(limit)
            # A service manager keeps what is printed: no link that signs somebody in.
            page = run.endpoints["functions"]["review"]
            click.echo(page_sentence(database, settings, page, with_link=not has_service_manager()))
        click.echo(f"Ready. Put files into raw/incoming/ at http://{run.endpoints['minio']['endpoint']}.")
        click.echo(f"Keys and URLs: {home.endpoints}. Logs: {home.logs}. Ctrl-C ends everything.")
        tell_service_manager(READY)
        run.watch(ended)
        tell_service_manager(STOPPING)


@click.command()
@click.option(
    "--check", is_flag=True, help="Only tell whether they run in this container, with exit code 1 if not."
)
@click.option(
    "--once", "function", metavar="FUNCTION", help="Call one function until it has no more to do, and end."
)
def timers(function: str | None, *, check: bool) -> None:
    """Call the functions that run at intervals, where no home does it; SIGTERM ends it.

    It needs DCM2SET_FUNCTION_URLS and the token, and polls if DCM2SET_NAS_URL is set. With --once, for
    another scheduler, the exit code is 2 if the function does not answer or fails.
    """
    from infra.local.timers import are_running, call_once, run_alone

    if check:
        sys.exit(0 if are_running() else 1)
    from common import wiring
    from common.process.end_signal import ended_by_signal
    from common.settings import settings
    from common.tls import require_tls

    require_tls(settings(), "function_urls")
    ended = ended_by_signal()
    if function is None:
        run_alone(settings(), tokens=wiring.tokens(), ended=ended)
    elif not call_once(function, settings(), tokens=wiring.tokens(), ended=ended):
        raise DependencyAwayError(f"{function} did not answer, or failed; see its log.")


@click.command("rotate-token")
@home_option
@click.option(
    "--overlap",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="Seconds during which the old token is still accepted.",
)
def rotate_token(home: Home, overlap: float) -> None:
    """Give all functions of a running home a new token; no request is refused meanwhile.

    Clients find the new token in endpoints.json. MinIO restarts to send it, which takes half a second;
    the functions keep running.
    """
    from infra.local.token_rotation import rotate

    rotate(home, overlap=overlap, say=click.echo)
