"""What a container of the image starts: the function that FUNCTION names, as its trigger.toml describes it.

``FUNCTION=extract python -m infra.image.serve``
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from common.errors import SettingsError
from infra.provision.function_card import FunctionCard, function_cards
from infra.provision.serving import serving_command, serving_environment

PORT = 8080
_HOST = "0.0.0.0"  # noqa: S104 a container has an address of its own
_METRICS = "PROMETHEUS_MULTIPROC_DIR"


def chosen_card(environment: Mapping[str, str]) -> FunctionCard:
    """The card of the function that FUNCTION names; raises SettingsError if there is none."""
    cards = {card.function: card for card in function_cards()}
    name = environment.get("FUNCTION", "")
    if name not in cards:
        wrong = f"FUNCTION is {name!r}" if name else "FUNCTION is not set"
        raise SettingsError(f"{wrong}; set it to one of: {', '.join(cards)}.")
    return cards[name]


def chosen_port(environment: Mapping[str, str]) -> int:
    """The TCP port in PORT, or 8080; raises SettingsError if it is none."""
    text = environment.get("PORT") or str(PORT)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise SettingsError("PORT is not a TCP port; set it to a number from 1 to 65535.")
    return int(text)


def environment_of(card: FunctionCard, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of the process that serves the function; variables that are set already stay."""
    workers = (environment.get("DCM2SET_WORKERS") if card.events else None) or card.workers_here()
    defaults = serving_environment(card, workers=int(workers))
    temporary = environment.get("TMPDIR") or "/tmp"  # noqa: S108 the only writable folder of the container
    return defaults | {_METRICS: f"{temporary}/metrics"} | dict(environment)


def main() -> None:
    """Serve the function in this process, until SIGTERM."""
    try:
        card, port = chosen_card(os.environ), chosen_port(os.environ)
    except SettingsError as error:
        sys.exit(f"dcm2set: {error}")
    environment = environment_of(card, os.environ)
    metrics = Path(environment[_METRICS])
    shutil.rmtree(metrics, ignore_errors=True)  # of workers before a restart
    metrics.mkdir(parents=True)
    command = serving_command(card, host=_HOST, port=port)
    os.execve(command[0], command, environment)  # noqa: S606 a command of our own, without a shell


if __name__ == "__main__":
    main()
