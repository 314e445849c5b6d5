"""Run `dcm2set up` with relays before its servers, two processes of each function and a clock to move.

Start it with ``python -m tests.faults.arranged_up ARRANGEMENT.json``.
"""

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from psycopg.conninfo import make_conninfo

from infra.local.programs import Plan, programs
from infra.local.supervisor import Program
from tests.support.arranged_home import run_arranged

TWIN = "-2"


@dataclass(frozen=True)
class Arrangement:
    """The relays, second processes and clock that are added to a home."""

    home: str
    minio_port: int  # TCP port of the relay before MinIO
    postgres_port: int  # TCP port of the relay before Postgres
    notification_port: int  # TCP port of the relay that MinIO notifies
    twin_ports: dict[str, int]  # TCP port of the second process of each function
    clock_file: str = ""  # contains the clock's offset in seconds
    clock_library: str = ""  # is loaded into the functions and Postgres; empty: they use the machine's clock

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def twin_url(self, function: str) -> str:
        return f"http://127.0.0.1:{self.twin_ports[function]}/"

    def arrange(self, plan: Plan) -> list[Program]:
        """Return the programs of the home, connected through the relays, with each function twice."""
        arranged = []
        for program in programs(plan):
            if program.name == "minio":
                arranged.append(self._with_notification_relay(program))
            elif program.name == "postgres":
                arranged.append(replace(program, environment={**program.environment, **self._clock()}))
            else:
                relayed = self._with_server_relays(program)
                arranged += [relayed, self._twin(relayed, plan)]
        return arranged

    def _with_notification_relay(self, program: Program) -> Program:
        environment = dict(program.environment)
        for name in environment:
            if name.startswith("MINIO_NOTIFY_WEBHOOK_ENDPOINT_"):
                function = name.removeprefix("MINIO_NOTIFY_WEBHOOK_ENDPOINT_").lower()
                environment[name] = f"http://127.0.0.1:{self.notification_port}/{function}"
        return replace(program, environment=environment)

    def _with_server_relays(self, program: Program) -> Program:
        environment = dict(program.environment)
        environment["DCM2SET_MINIO_ENDPOINT"] = f"127.0.0.1:{self.minio_port}"
        url = environment["DATABASE_URL"]
        environment["DATABASE_URL"] = make_conninfo(url, host="127.0.0.1", port=self.postgres_port)
        return replace(program, environment=environment | self._clock())

    def _twin(self, program: Program, plan: Plan) -> Program:
        own = str(urlsplit(plan.urls[program.name]).port)
        port = str(self.twin_ports[program.name])
        command = [port if part == own else part for part in program.command]
        environment = dict(program.environment)
        if "DCM2SET_FUNCTION_URLS" in environment:
            urls = {name: self.twin_url(name) for name in self.twin_ports}
            environment["DCM2SET_FUNCTION_URLS"] = json.dumps(urls)
        return replace(program, name=program.name + TWIN, command=command, environment=environment)

    def _clock(self) -> dict[str, str]:
        if not self.clock_library:
            return {}
        return {"LD_PRELOAD": self.clock_library, "CLOCK_OFFSET_FILE": self.clock_file}


def main() -> None:
    """Run the home until SIGINT or SIGTERM."""
    arrangement = Arrangement(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    run_arranged(arrangement.home, arrangement.arrange)


if __name__ == "__main__":
    main()
