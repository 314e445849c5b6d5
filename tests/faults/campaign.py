"""One campaign: files flow while a seeded schedule of faults runs; an oracle compares.

``python -m tests.faults.campaign --seeds 1 2 3 --files 1000 --faults 24 --json FILE``
"""

import argparse
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import urllib3

from deidentification.pseudonym import Pseudonyms
from infra.local.home import Home
from tests.faults.fault_actions import under
from tests.faults.faulty_home import FaultyHome, faulty_home
from tests.faults.input_files import PICTURES, InputFile, make_inputs
from tests.faults.oracle import Differences, Oracle
from tests.faults.schedule import FAMILIES, make_schedule
from tests.support.local_home import wait_for

IMAGES_PER_BUCKET = 25
SETTLE_SECONDS = 180  # the bar
MOST_WAITING = 40  # files, when the next fault comes
ROOM_SECONDS = 300
SETTINGS = {
    "DCM2SET_SWEEP_SECONDS": "2",
    "DCM2SET_SWEEP_GRACE_SECONDS": "3",
    "DCM2SET_LEASE_SECONDS": "10",
    "DCM2SET_RETRY_SECONDS": "1",
    "DCM2SET_SECONDS_PER_FILE": "30",
    "DCM2SET_IMAGES_PER_BUCKET": str(IMAGES_PER_BUCKET),
    "DCM2SET_NAS_QUIET_SECONDS": "1",
    "DCM2SET_NAS_POLL_SECONDS": "2",
}
# Of what was put aside, for whoever reads a report; the oracle asks no ledger.
_UNDER_WAY = (
    "select count(*) as number from ledger_item where counted_as is null and state in ('running', 'retry')"
)
_CAUSES = """
select function, attempts, cause, count(*) as number from ledger_item
where state not in ('done', 'held') group by function, attempts, cause order by number
"""


@dataclass
class Report:
    """What one campaign found."""

    seed: int
    files: int
    faults: int
    left_out: list[str] = field(default_factory=list)  # faults this machine can't do
    seconds_to_settle: float = 0  # after the last fault; over the bar: not settled
    seconds: float = 0
    checkpoints: int = 0
    most_in_a_bucket: int = 0
    images: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    overfull: int = 0
    leaked: int = 0
    told: str = ""

    @property
    def holds(self) -> bool:
        """Whether every bar is kept."""
        bad = self.lost + self.doubled + self.wrong + self.overfull + self.leaked
        return bad == 0 and self.seconds_to_settle <= SETTLE_SECONDS

    def add(self, differences: Differences) -> None:
        for name, found in vars(differences).items():
            setattr(self, name, getattr(self, name) + len(found))
        if differences.number:
            self.told = f"{self.told} | {differences}".strip(" |")


class Feeder:
    """Puts the files in, and knows which are in for certain."""

    def __init__(self, faulty: FaultyHome, inputs: Sequence[InputFile], nas: Path, pseudonyms: Pseudonyms):
        self._faulty = faulty
        self._nas = nas
        self._pseudonyms = pseudonyms
        self.accepted: list[InputFile] = []
        self.labels: list[str] = []
        ordered = sorted((f for f in inputs if f.is_from_nas), key=lambda f: f.folder)
        folders = {name: list(files) for name, files in groupby(ordered, key=lambda f: f.folder)}
        self.units: list[list[InputFile]] = []
        for each in inputs:
            if not each.is_from_nas:
                self.units.append([each])
            elif each.folder in folders:
                self.units.append(folders.pop(each.folder))
        self.on_nas: dict[str, list[InputFile]] = {}

    def feed(self, units: Sequence[list[InputFile]]) -> None:
        """Put files in, each until it is taken; and labels for them, known or not yet."""
        for unit in units:
            if unit[0].is_from_nas:
                self._drop_folder(unit)
            else:
                self._put("raw", f"incoming/{unit[0].place}", unit[0].body)
                self.accepted.append(unit[0])
        stems = [f.stem(self._pseudonyms) for unit in units for f in unit if f.kind in PICTURES]
        keys = [key for stem in stems[:3] if (key := f"{stem}/1.png") not in self.labels]
        if keys:
            lines = ["image,label,value", *(f"{key},fault,1" for key in dict.fromkeys(keys))]
            self.labels += list(dict.fromkeys(keys))
            self._put("annotations", f"labels {len(self.labels)}.csv", "\n".join(lines).encode())

    def take_marked(self) -> None:
        """Files of folders that the project has marked: it says that they are in."""
        for name in [each for each in self.on_nas if (self._nas / f"{each}_processed").exists()]:
            self.accepted += self.on_nas.pop(name)

    def _drop_folder(self, files: list[InputFile]) -> None:
        folder = files[0].folder
        staged = self._nas.with_name("staged") / folder
        staged.mkdir(parents=True)
        for each in files:
            (staged / each.name).write_bytes(each.body)
        staged.rename(self._nas / folder)
        self.on_nas[folder] = files

    def _put(self, bucket: str, key: str, body: bytes) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                self._faulty.home.put(key, body, bucket=bucket)
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


class Sampler:
    """Lists the image buckets again and again, whatever else happens."""

    def __init__(self, faulty: FaultyHome):
        self._home = faulty.home
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.most = 0
        self.looks = 0

    def _look(self) -> None:
        while not self._ended.wait(timeout=0.5):
            with suppress(Exception):  # the store may just be away
                # A bucket is filled once: the newest two and any other one in turn.
                names = sorted(b.name for b in self._home.store.client.list_buckets() if "images-" in b.name)
                older = [names[self.looks % len(names)]] if names else []
                for name in [*names[-2:], *older]:
                    self.most = max(self.most, sum(1 for _ in self._home.store.list_prefix(name, "")))
                self.looks += 1

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join(timeout=60)


@contextmanager
def _twin_timers(faulty: FaultyHome) -> Iterator[None]:
    """The second sweep and the second poll run by time as well."""
    ended = threading.Event()
    headers = {"Authorization": f"Bearer {faulty.home.endpoints['token']}"}

    def run(function: str) -> None:
        while not ended.wait(timeout=3):
            with suppress(urllib3.exceptions.HTTPError):
                url = faulty.arrangement.twin_url(function)
                urllib3.request("POST", url, headers=headers, timeout=120, retries=False)

    threads = [threading.Thread(target=run, args=[name], daemon=True) for name in ("sweep", "poll_nas")]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()


def run_campaign(
    seed: int, *, files: int, faults: int, families: Sequence[str] = tuple(FAMILIES), tell=lambda _: None
) -> Report:
    """Everything of one campaign, in a home of its own."""
    report = Report(seed, files, faults)
    started = time.monotonic()
    inputs, chance = make_inputs(seed, files), random.Random(seed)
    schedule = make_schedule(seed, faults, families)
    with TemporaryDirectory(prefix="dcm2set-faults-nas-") as folder:
        nas = Path(folder) / "share"
        nas.mkdir()
        with faulty_home(SETTINGS | {"DCM2SET_NAS_URL": nas.as_uri()}, seed) as faulty:
            secrets = Home(faulty.home.folder).known_secrets()
            pseudonyms = Pseudonyms(bytes.fromhex(secrets.pseudonym_key))
            feeder = Feeder(faulty, inputs, nas, pseudonyms)
            oracle = Oracle(faulty.home, inputs, pseudonyms, IMAGES_PER_BUCKET, feeder.labels)
            sampler = Sampler(faulty)
            with _twin_timers(faulty), sampler.running():
                parts = _parts(feeder.units, faults + 1)
                feeder.feed(next(parts))
                for number, fault in enumerate(schedule, 1):
                    _wait_for_room(oracle)
                    feeding = threading.Thread(target=feeder.feed, args=[next(parts)])
                    begun = time.monotonic()
                    with under(fault, faulty, chance) as is_done:
                        feeding.start()
                        time.sleep(fault.seconds)
                    feeding.join(timeout=180)
                    assert not feeding.is_alive(), f"the store took no file after {fault}"
                    lasted = f"{time.monotonic() - begun:.1f} s"
                    tell(f"{number}. {fault} ({lasted if is_done else 'left out'})")
                    if not is_done:
                        report.left_out.append(str(fault))
                    if number % 4 == 0:
                        _checkpoint(oracle, feeder, report)
                _settle(oracle, report, tell)
            report.most_in_a_bucket, report.images = sampler.most, len(oracle.frames)
            report.overfull += sampler.most > IMAGES_PER_BUCKET
            if not report.holds:
                tell(f"the home: {faulty.home.folder}")
    report.seconds = round(time.monotonic() - started, 1)
    return report


def _wait_for_room(oracle: Oracle) -> None:
    """Files go on flowing, but no backlog grows that would hide how long one fault costs."""

    def has_room() -> bool:
        with suppress(Exception):  # a server that was killed is up again soon
            waiting = list(oracle.home.store.list_prefix("raw", "incoming/"))
            return len(waiting) + oracle.home.rows(_UNDER_WAY)[0]["number"] <= MOST_WAITING
        return False

    assert wait_for(has_room, seconds=ROOM_SECONDS), f"work stands still: {oracle.home.status()['functions']}"


def _parts(units: list[list[InputFile]], number: int) -> Iterator[list[list[InputFile]]]:
    """All of them, in so many parts of about as many files."""
    total, begin, fed = sum(map(len, units)), 0, 0
    for part in range(1, number + 1):
        end = begin
        while end < len(units) and (part == number or fed < total * part / number):
            fed += len(units[end])
            end += 1
        yield units[begin:end]
        begin = end


def _checkpoint(oracle: Oracle, feeder: Feeder, report: Report) -> None:
    feeder.take_marked()
    deadline = time.monotonic() + 60
    while True:
        try:
            report.add(oracle.at_any_moment(feeder.accepted))
        except Exception:
            if time.monotonic() > deadline:  # a server that was killed is up again by then
                raise
            time.sleep(0.2)
        else:
            report.checkpoints += 1
            return


def _settle(oracle: Oracle, report: Report, tell) -> None:
    """Look until everything is as it must be, or the bar is passed."""
    begun = time.monotonic()
    found = None
    while time.monotonic() - begun <= SETTLE_SECONDS:
        with suppress(Exception):  # a server that was killed last is not up yet
            if _is_idle(oracle):
                found = oracle.settled()
                if not found.number:
                    break
        time.sleep(1)
    report.seconds_to_settle = round(time.monotonic() - begun, 1)
    if found is None or found.number:
        found = oracle.settled()
        report.add(found)
        report.told += f" | causes: {oracle.home.rows(_CAUSES)}"
        tell(str(oracle.home.status()["functions"]))


def _is_idle(oracle: Oracle) -> bool:
    """Whether nothing waits where work comes from; looked at first, for it is cheap."""
    if next(iter(oracle.home.store.list_prefix("raw", "incoming/")), None) is not None:
        return False
    rows = oracle.home.rows("select count(*) as number from verdict")
    return not oracle.home.rows(_UNDER_WAY)[0]["number"] and rows[0]["number"] >= len(oracle.frames)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run campaigns one after the other; exit code 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description="Campaigns of faults.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=24)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    # Ended by whoever started it, it still takes its processes and its disk away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    reports = []
    for seed in given.seeds:
        report = run_campaign(seed, files=given.files, faults=given.faults, tell=_tell)
        reports.append(report)
        _tell(f"{'HOLDS' if report.holds else 'MISSED'} {json.dumps(asdict(report))}")
        if given.json:
            given.json.write_text(json.dumps([asdict(each) for each in reports], indent=2))
    return 0 if all(report.holds for report in reports) else 1


if __name__ == "__main__":
    sys.exit(main())
