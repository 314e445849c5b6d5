"""Run `dcm2set up` with several replicas of each function behind haproxy, and Postgres behind PgBouncer.

Start it with ``python -m tests.scale.scaled_up SCALE.json``.
"""

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.local.programs import Plan, programs
from infra.local.supervisor import Program
from tests.scale.balancer import haproxy
from tests.scale.pooler import pgbouncer
from tests.scale.store_nodes import store_nodes
from tests.support.arranged_home import run_arranged


@dataclass(frozen=True)
class Scale:
    """How a home is spread."""

    home: str
    folder: str  # for configurations and the drives of the store's nodes
    replicas: dict[str, list[int]]  # TCP ports of the replicas of each function
    pooler_port: int
    connections: int  # of the server for each role, at most
    relay_port: int = 0  # of a relay that is before the object store; 0: none
    store_ports: list[int] = field(default_factory=list)  # of the store's nodes; empty: one server

    def write(self, path: Path) -> None:
        """Write it for `scaled_up`."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def arrange(self, plan: Plan) -> list[Program]:
        """Return the programs of the home with the replicas, the balancer and the pooler."""
        folder = Path(self.folder)
        arranged: list[Program] = []
        passwords: dict[str, str] = {}
        for program in programs(plan):
            if program.name == "minio" and self.store_ports:
                arranged += store_nodes(program, folder, self.store_ports)
            elif program.name in plan.urls:
                parts = conninfo_to_dict(program.environment["DATABASE_URL"])
                passwords[str(parts["user"])] = str(parts["password"])
                arranged += self._replicas(program, plan)
            else:
                arranged.append(program)
        balanced = {port: self.replicas[name] for name, port in plan.tcp_ports.functions.items()}
        store = (plan.tcp_ports.minio, self.store_ports) if self.store_ports else None
        pooler = pgbouncer(folder, self.pooler_port, plan.tcp_ports.postgres, passwords, self.connections)
        return [*arranged, haproxy(folder, balanced, store), pooler]

    def _replicas(self, program: Program, plan: Plan) -> list[Program]:
        own = str(urlsplit(plan.urls[program.name]).port)
        environment = dict(program.environment)
        environment["DATABASE_URL"] = make_conninfo(
            environment["DATABASE_URL"], host="127.0.0.1", port=self.pooler_port
        )
        environment["DCM2SET_DATABASE_PREPARED_STATEMENTS"] = "false"
        if self.relay_port:
            environment["DCM2SET_MINIO_ENDPOINT"] = f"127.0.0.1:{self.relay_port}"
        return [
            replace(
                program,
                name=f"{program.name}-{number}",
                command=[str(port) if part == own else part for part in program.command],
                environment=environment,
            )
            for number, port in enumerate(self.replicas[program.name], 1)
        ]


def main() -> None:
    """Run the home until SIGINT or SIGTERM."""
    scale = Scale(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    run_arranged(scale.home, scale.arrange)


if __name__ == "__main__":
    main()
