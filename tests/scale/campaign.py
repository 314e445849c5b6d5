"""Files run through two replicas of each function while each kind of server and function is killed once.

``python -m tests.scale.campaign --files 1000``
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import psutil

from deidentification.pseudonym import Pseudonyms
from infra.local.home import Home
from infra.provision.function_card import function_cards
from tests.faults.file_feeder import FileFeeder, parts
from tests.faults.input_files import make_inputs
from tests.faults.oracle import Differences, Oracle
from tests.faults.settling import settles
from tests.scale.scaled_home import ScaledHome, scaled_home
from tests.support.local_home import RunningHome

REPLICAS = 2
IMAGES_PER_BUCKET = 25
SETTLE_SECONDS = 300
_SETTINGS = {
    "DCM2SET_SWEEP_SECONDS": "2",
    "DCM2SET_LEASE_SECONDS": "10",
    "DCM2SET_RETRY_SECONDS": "1",
    "DCM2SET_IMAGES_PER_BUCKET": str(IMAGES_PER_BUCKET),
    "DCM2SET_NAS_QUIET_SECONDS": "1",
    "DCM2SET_NAS_POLL_SECONDS": "2",
}
_DONE_TWICE = """
select count(*) as number from ledger_attempt
join ledger_item on ledger_item.id = item_id
where ledger_attempt.state = 'done' and ledger_item.state = 'done'
"""
_CLAIMS = "select sum(attempts)::float / count(*) as number from ledger_item where state = 'done'"


@dataclass(frozen=True)
class Result:
    """What a run found."""

    files: int
    killed: list[str]
    differences: Differences
    done_twice: int
    claims_per_item: float
    seconds: float
    seconds_to_settle: float

    @property
    def is_good(self) -> bool:
        """Whether nothing differs, no item was done twice, and everything settled in time."""
        return not self.differences.number and not self.done_twice and self.seconds_to_settle < SETTLE_SECONDS


def run(files: int, seed: int, *, is_store_spread: bool) -> Result:
    """Put the files in part by part, and kill something during each part."""
    started = time.monotonic()
    with ExitStack() as stack:
        scaled = stack.enter_context(scaled_home(REPLICAS, _SETTINGS, is_store_spread=is_store_spread))
        inputs = make_inputs(seed, files)
        pseudonyms = Pseudonyms(bytes.fromhex(Home(scaled.home.folder).known_secrets().pseudonym_key))
        feeder = FileFeeder(scaled.home, inputs, scaled.nas, pseudonyms)
        oracle = Oracle(scaled.home, inputs, pseudonyms, IMAGES_PER_BUCKET, feeder.labels)
        victims = list(_victims(scaled))
        for number, units in enumerate(parts(feeder.units, len(victims) + 1)):
            feeder.feed(units)
            if number < len(victims):
                _kill(scaled, victims[number])
        fed = time.monotonic()
        is_settled = settles(scaled.home, oracle, seconds=SETTLE_SECONDS)
        differences = Differences() if is_settled else oracle.settled()
        ended = time.monotonic()
        return Result(
            files,
            victims,
            differences,
            int(_number(scaled.home, _DONE_TWICE)),
            round(_number(scaled.home, _CLAIMS), 4),
            round(ended - started, 1),
            round(ended - fed, 1),
        )


def _victims(scaled: ScaledHome) -> Iterator[str]:
    """One replica of each function, the servers between them, and a node of a store that has several."""
    yield from (card.function for card in function_cards())
    yield from ("haproxy", "pgbouncer")
    if scaled.scale.store_ports:
        yield "minio-2"


def _kill(scaled: ScaledHome, name: str) -> None:
    """Kill a process and those it started; supervisord starts it again."""
    is_server = name in {"haproxy", "pgbouncer"} or name.startswith("minio-")
    process = scaled.server(name) if is_server else scaled.replica(name, 1)
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            each.send_signal(signal.SIGKILL)


def _number(home: RunningHome, query: str) -> float:
    return float(home.rows(query)[0]["number"])


def main() -> int:
    """Run once; the exit code is 1 if there is a difference."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spread-store", action="store_true", help="four nodes of MinIO instead of one")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the home, too
    result = run(given.files, given.seed, is_store_spread=given.spread_store)
    found = vars(result) | {"differences": str(result.differences)}
    sys.stdout.write(f"{'PASSED' if result.is_good else 'FAILED'} {json.dumps(found)}\n")
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
