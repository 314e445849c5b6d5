"""A campaign: files are put in while a seeded schedule of faults runs; then an oracle compares.

``python -m tests.faults.campaign --seeds 1 2 3 --files 1000 --faults 24 --json FILE``
"""

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import urllib3

from deidentification.pseudonym import Pseudonyms
from infra.local.home import Home
from tests.faults.background import repeated
from tests.faults.campaign_report import SETTLE_SECONDS, Report
from tests.faults.fault_actions import under
from tests.faults.faulty_home import FaultyHome, faulty_home
from tests.faults.file_feeder import FileFeeder, Unit, parts
from tests.faults.input_files import InputFile, make_inputs
from tests.faults.oracle import Oracle
from tests.faults.schedule import FAMILIES, Fault, make_schedule
from tests.faults.settling import settles, unsettled
from tests.support.local_home import RunningHome, wait_for

IMAGES_PER_BUCKET = 25
MOST_WAITING = 40  # files that may wait when the next fault comes
ROOM_SECONDS = 300  # the longest wait until no more than MOST_WAITING files wait
FAULTS_PER_CHECKPOINT = 4
SETTINGS = {
    "DCM2SET_SWEEP_SECONDS": "2",
    "DCM2SET_LEASE_SECONDS": "10",
    "DCM2SET_RETRY_SECONDS": "1",
    "DCM2SET_SECONDS_PER_FILE": "30",
    "DCM2SET_IMAGES_PER_BUCKET": str(IMAGES_PER_BUCKET),
    "DCM2SET_NAS_QUIET_SECONDS": "1",
    "DCM2SET_NAS_POLL_SECONDS": "2",
}
# For the reader of a report only: the oracle does not use the ledger.
_CAUSES = """
select function, attempts, cause, count(*) as number from ledger_item
where state not in ('done', 'held') group by function, attempts, cause order by number
"""
Log = Callable[[str], None]


class ImageBucketSampler:
    """Lists image buckets and remembers the largest number of images that one of them had."""

    def __init__(self, home: RunningHome):
        self._home = home
        self._samples = 0
        self.most = 0

    def sample(self) -> None:
        """List the two newest image buckets and one older bucket in turn: only new buckets are filled."""
        with suppress(Exception):  # the store may be away
            names = sorted(b.name for b in self._home.store.client.list_buckets() if "images-" in b.name)
            older = [names[self._samples % len(names)]] if names else []
            for name in [*names[-2:], *older]:
                self.most = max(self.most, sum(1 for _ in self._home.store.list_prefix(name, "")))
            self._samples += 1


@contextmanager
def _twin_timers(faulty: FaultyHome) -> Iterator[None]:
    """Run the second sweep and the second poll at intervals, as timers run the first ones."""
    headers = {"Authorization": f"Bearer {faulty.home.endpoints['token']}"}

    def post(function: str) -> None:
        with suppress(urllib3.exceptions.HTTPError):
            url = faulty.arrangement.twin_url(function)
            urllib3.request("POST", url, headers=headers, timeout=120, retries=False)

    with (
        repeated(lambda: post("sweep"), seconds=3, join_seconds=0),
        repeated(lambda: post("poll_nas"), seconds=3, join_seconds=0),
    ):
        yield


@dataclass(frozen=True)
class Campaign:
    """One home under faults, the files put into it and the oracle that compares."""

    faulty: FaultyHome
    feeder: FileFeeder
    oracle: Oracle
    sampler: ImageBucketSampler
    report: Report
    log: Log

    @classmethod
    def prepare(
        cls, faulty: FaultyHome, inputs: Sequence[InputFile], nas: Path, report: Report, log: Log
    ) -> "Campaign":
        """Prepare a campaign with these files."""
        secrets = Home(faulty.home.folder).known_secrets()
        pseudonyms = Pseudonyms(bytes.fromhex(secrets.pseudonym_key))
        feeder = FileFeeder(faulty.home, inputs, nas, pseudonyms)
        oracle = Oracle(faulty.home, inputs, pseudonyms, IMAGES_PER_BUCKET, feeder.labels)
        return cls(faulty, feeder, oracle, ImageBucketSampler(faulty.home), report, log)

    def run(self, schedule: Sequence[Fault], chance: random.Random) -> None:
        """Feed the files part by part, cause a fault during each part, and compare."""
        with _twin_timers(self.faulty), repeated(self.sampler.sample, seconds=0.5):
            feed = parts(self.feeder.units, len(schedule) + 1)
            self.feeder.feed(next(feed))
            for number, fault in enumerate(schedule, 1):
                self._wait_for_room()
                self._feed_under(number, fault, next(feed), chance)
                if number % FAULTS_PER_CHECKPOINT == 0:
                    self._checkpoint()
            self._settle()
        most = self.sampler.most
        self.report.most_in_a_bucket, self.report.images = most, len(self.oracle.frames)
        self.report.overfull += most > IMAGES_PER_BUCKET
        if not self.report.is_good:
            self.log(f"the home: {self.faulty.home.folder}")

    def _feed_under(self, number: int, fault: Fault, units: list[Unit], chance: random.Random) -> None:
        """Feed one part of the files while a fault lasts."""
        feeding = threading.Thread(target=self.feeder.feed, args=[units])
        begun = time.monotonic()
        with under(fault, self.faulty, chance) as is_done:
            feeding.start()
            time.sleep(fault.seconds)
        feeding.join(timeout=180)
        assert not feeding.is_alive(), f"the store took no file after {fault}"
        lasted = f"{time.monotonic() - begun:.1f} s"
        self.log(f"{number}. {fault} ({lasted if is_done else 'left out'})")
        if not is_done:
            self.report.left_out.append(str(fault))

    def _wait_for_room(self) -> None:
        """Wait while many files wait: a large backlog would hide what one fault costs."""
        home = self.faulty.home

        def has_room() -> bool:
            with suppress(Exception):  # a killed server is up again soon
                waiting = list(home.store.list_prefix("raw", "incoming/"))
                return len(waiting) + unsettled(home) <= MOST_WAITING
            return False

        assert wait_for(has_room, seconds=ROOM_SECONDS), f"the work stalled: {home.status()['functions']}"

    def _checkpoint(self) -> None:
        """Compare what must hold at any moment; repeat for up to 60 s while a server is away."""
        self.feeder.accept_marked_folders()
        deadline = time.monotonic() + 60
        while True:
            try:
                self.report.add(self.oracle.at_any_moment(self.feeder.accepted))
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                self.report.checkpoints += 1
                return

    def _settle(self) -> None:
        """Compare until there is no difference or the time is over."""
        begun = time.monotonic()
        is_settled = settles(self.faulty.home, self.oracle, seconds=SETTLE_SECONDS)
        self.report.seconds_to_settle = round(time.monotonic() - begun, 1)
        if not is_settled:
            self.report.add(self.oracle.settled())
            self.report.details += f" | causes: {self.faulty.home.rows(_CAUSES)}"
            self.log(str(self.faulty.home.status()["functions"]))


def run_campaign(
    seed: int,
    *,
    files: int,
    faults: int,
    families: Sequence[str] = tuple(FAMILIES),
    log: Log = lambda _: None,
) -> Report:
    """Run one campaign in a new home; the seed decides the files and the faults."""
    report = Report(seed, files, faults)
    started = time.monotonic()
    inputs = make_inputs(seed, files)
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="dcm2set-faults-nas-"))
        nas = Path(folder) / "share"
        nas.mkdir()
        faulty = stack.enter_context(faulty_home(SETTINGS | {"DCM2SET_NAS_URL": nas.as_uri()}, seed))
        campaign = Campaign.prepare(faulty, inputs, nas, report, log)
        campaign.run(make_schedule(seed, faults, families), random.Random(seed))
    report.seconds = round(time.monotonic() - started, 1)
    return report


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run campaigns one after the other; the exit code is 1 if one of them finds a difference."""
    parser = argparse.ArgumentParser(description="Run campaigns of faults, each in a new home.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=24)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    # SIGTERM must end the processes and unmount the disk too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    reports = []
    for seed in given.seeds:
        report = run_campaign(seed, files=given.files, faults=given.faults, log=_print)
        reports.append(report)
        _print(f"{'PASSED' if report.is_good else 'FAILED'} {json.dumps(asdict(report))}")
        if given.json:
            given.json.write_text(json.dumps([asdict(each) for each in reports], indent=2))
    return 0 if all(report.is_good for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
