"""Send inputs of unusual size through a running home, while ordinary files arrive.

- frames: an Enhanced CT Image of 10,000 frames and 2 GiB;
- slide: one level of a whole-slide image, 1 GiB in tiles of 512 x 512, which is held and then released;
- folder: 100,000 small files in one folder of the NAS;
- labels: 10,000 label files.

Each must end as verdicts (labels: imported), with both differences 0. Meanwhile a small file is put into
raw/incoming every few seconds; its latency is compared with that of the same files alone.

The options --only NAME and --share N (a tenth: 10) choose one input, and a part of each.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import imaging  # noqa: F401 suppresses pydicom's warnings
from benchmarks.support.big_files import label_files, write_enhanced_ct, write_slide_level, write_small_files
from benchmarks.support.peak_of_functions import PeakMemory
from benchmarks.support.report import Figure, report
from common.store.object_key import ANNOTATIONS
from infra.health.status import is_closed
from tests.faults.background import repeated
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

# MiB of memory that the compose file gives to each; those of extract and quality depend on the processors.
_LIMITS = {"poll_nas": 1024, "store_metadata": 1024, "annotations": 2048, "sweep": 1024, "review": 1024}
# A folder is copied as soon as two polls found it the same.
_SETTINGS = {"DCM2SET_NAS_POLL_SECONDS": "5", "DCM2SET_NAS_QUIET_SECONDS": "3"}
_EVERY = 3  # seconds between ordinary files
_STARVED = 60  # seconds: what an ordinary file may wait beside anything
_HOURS = 4 * 3600
_ORDINARY = """
select extract(epoch from max(coalesce(q.settled_at, now())) - min(e.first_seen)) as seconds
from unnest(%s::text[], %s::timestamptz[]) as e (key, first_seen)
left join ledger_item x on x.function = 'extract' and x.key = e.key
left join ledger_item q on q.function = 'quality' and q.sop_instance_uid = x.sop_instance_uid
group by e.key
"""


_OF_NAS = """
with image_file as (
    select x.id, x.state, x.sop_instance_uid, e.number_of_frames
    from ledger_item x left join extraction e on e.item_id = x.id
    where x.function = 'extract' and starts_with(x.key, 'nas/')
)
select (select count(*) from source_file where state = 'copied') as copied,
    (select count(*) from image_file where state in ('running', 'retry')) as unread,
    (select coalesce(sum(number_of_frames), 0) from image_file) as frames,
    (select count(*) from ledger_item q join image_file using (sop_instance_uid)
        where q.function = 'quality' and q.state in ('done', 'quarantined')) as judged
"""


def main() -> None:
    """Measure and report."""
    share = int(_option("--share", "100" if "--quick" in sys.argv else "1"))
    only = _option("--only", "")
    cases: dict[str, Callable[[RunningHome, Path, int], int]] = {
        "frames": _frames,
        "slide": _slide,
        "folder": _folder,
        "labels": _labels,
    }
    figures: list[Figure] = []
    for name, send in cases.items():
        if only in ("", name):
            figures += _measured(name, send, share)
    report("Big inputs", figures)


def _option(name: str, otherwise: str) -> str:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else otherwise


def _measured(name: str, send: Callable[[RunningHome, Path, int], int], share: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as text:
        folder = Path(text)
        nas = folder / "nas"
        nas.mkdir()
        home = RunningHome.start(folder / "home", _SETTINGS | {"DCM2SET_NAS_URL": nas.as_uri()})
        try:
            ordinary = _Ordinary(home)
            alone = ordinary.alone()
            peak = PeakMemory(home.process.pid)
            with ordinary.arriving(), peak.watched():
                started = time.monotonic()
                number = send(home, nas, share)
                seconds = time.monotonic() - started
            beside = ordinary.seconds()
            status = home.wait_until_idle(seconds=_HOURS)
            figures = [
                Figure(f"{name}: inputs", number, "files, frames or tiles"),
                Figure(f"{name}: until the last verdict or label", seconds, "s"),
                Figure(f"{name}: throughput", number / seconds, "/s"),
                Figure.at_most(f"{name}: not closed", float(not is_closed(status)), 0, unit="balances"),
                Figure.at_most(f"{name}: quarantined or held", _aside(home), 0, unit="items"),
                Figure(f"{name}: ordinary file alone", median(alone), "s"),
                Figure(f"{name}: ordinary file beside it", median(beside), "s"),
                Figure.at_most(f"{name}: slowest ordinary file", max(beside), _STARVED, unit="s"),
            ]
        finally:
            home.end()
    for each, mebibytes in sorted(peak.of_all.items()):
        largest = peak.of_process[each]
        figures.append(Figure.at_most(f"{name}: memory of {each}", mebibytes, _LIMITS.get(each), unit="MiB"))
        figures.append(Figure(f"{name}: largest process of {each}", largest, "MiB"))
    return figures


class _Ordinary:
    """Small files that arrive one after the other."""

    def __init__(self, home: RunningHome) -> None:
        self._home, self._put_at = home, dict[str, object]()

    def alone(self) -> list[float]:
        """Return the seconds of files with nothing beside them."""
        for _ in range(6):
            self._put()
            self._home.wait_until_idle()
        found = self.seconds()[1:]  # the first one warms up
        self._put_at.clear()
        return found

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Put a file every few seconds while the block runs."""
        self._put()
        with repeated(self._put, seconds=_EVERY):
            yield

    def seconds(self) -> list[float]:
        """Return the seconds from each PUT to the verdict; where there is none, until now."""
        keys = list(self._put_at)
        rows = self._home.rows(_ORDINARY, keys, [self._put_at[key] for key in keys])
        return [float(row["seconds"]) for row in rows]

    def _put(self) -> None:
        number = int(time.monotonic() * 1000)
        key = f"incoming/ordinary/{number}.dcm"
        now = self._home.rows("select clock_timestamp() as now")[0]["now"]
        self._home.put(key, make_instance(number, patient=2))
        self._put_at[key] = now


def _frames(home: RunningHome, nas: Path, share: int) -> int:
    frames = 10_000 // share
    (nas / "frames").mkdir()
    write_enhanced_ct(nas / "frames" / "big.dcm", frames=frames, rows=320, columns=332)
    return _through(home, frames)


def _slide(home: RunningHome, nas: Path, share: int) -> int:
    tiles = 1365 // share
    (nas / "slide").mkdir()
    write_slide_level(nas / "slide" / "level.dcm", tiles=tiles, size=512)
    _through(home, tiles)
    # Slides are held: they may have writing on the glass.
    (item,) = home.rows("select id from ledger_item where function = 'extract' and state = 'held'")
    released = home.run_cli(
        "release", "--item", str(item["id"]), "--why", "No writing.", "--who", "benchmark"
    )
    assert released.returncode == 0, released.stderr
    return _through(home, tiles)


def _folder(home: RunningHome, nas: Path, share: int) -> int:
    number = 100_000 // share
    write_small_files(nas / "folder", number)
    return _through(home, number, files=number)


def _through(home: RunningHome, frames: int, *, files: int = 1) -> int:
    """Poll the NAS until the frames have their verdicts, or are set aside."""
    home.post("poll_nas")

    def is_through() -> bool:
        row = home.rows(_OF_NAS)[0]
        is_read = row["copied"] >= files and not row["unread"]
        return bool(is_read and row["judged"] >= row["frames"])

    # With many rows a look takes time of a processor, which the functions need.
    pause = 1 if files == 1 else 10
    assert wait_for(is_through, seconds=_HOURS, pause=pause), home.status()
    return frames


def _labels(home: RunningHome, nas: Path, share: int) -> int:
    del nas
    number = 10_000 // share
    keys = [row["key"] for row in home.rows("select key from image_allocation order by key")]
    for name, body in label_files(keys, number):
        home.put(name, body, bucket=ANNOTATIONS)
    query = "select count(*) as number from label_import where starts_with(key, 'big/')"
    found = wait_for(lambda: home.rows(query)[0]["number"] >= number, seconds=_HOURS, pause=1)
    assert found, home.status()
    return number


def _aside(home: RunningHome) -> float:
    """Return the number of items that were quarantined or held; print why."""
    rows = home.rows(
        "select cause, count(*) as number from ledger_item where state in ('quarantined', 'held') group by 1"
    )
    for row in rows:
        print(f"  {row['number']}: {row['cause']}")
    return float(sum(row["number"] for row in rows))


if __name__ == "__main__":
    main()
