"""`dcm2set up` with functions that reach the object store through a relay on another TCP port.

Start it with ``python -m benchmarks.support.distant_store HOME PORT``.
"""

import signal
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

from common.settings import load_settings
from infra.local import runner
from infra.local.home import Home
from infra.local.programs import Plan, programs
from infra.local.supervisor import Program


def _via_relay(port: str, plan: Plan) -> list[Program]:
    """Return the home's programs with the relay's TCP port instead of the store's."""
    return [
        replace(program, environment={**program.environment, "DCM2SET_MINIO_ENDPOINT": f"127.0.0.1:{port}"})
        if "DCM2SET_MINIO_ENDPOINT" in program.environment
        else program
        for program in programs(plan)
    ]


def main() -> None:
    """Run the home until SIGINT or SIGTERM."""
    home, port = sys.argv[1:3]
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with runner.running(Home(Path(home)), load_settings(), print, arrange=partial(_via_relay, port)) as run:
        run.watch(ended)


if __name__ == "__main__":
    main()
