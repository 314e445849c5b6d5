"""`dcm2set up` with functions that reach the object store through a relay on another TCP port.

Start it with ``python -m benchmarks.support.distant_store HOME PORT``.
"""

import sys
from dataclasses import replace
from functools import partial

from infra.local.programs import Plan, programs
from infra.local.supervisor import Program
from tests.support.arranged_home import run_arranged


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
    run_arranged(home, partial(_via_relay, port))


if __name__ == "__main__":
    main()
