"""The page's time for its overview with a million settled files and with none, and for long lists.

One server has an empty and a filled database. Each page is requested on both in turn, so that other load on
the machine affects both. `--quick` uses fewer rows.
"""

import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

# To import `benchmarks`, `common` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.support.report import Figure, of_rounds, report
from common.database import Database
from common.process.json_log import logger
from tests.support.local_home import RunningHome
from tests.support.page_bench import PageBench, SignedIn
from tests.support.settled_files import database_with_settled_files

_FILES, _QUICK_FILES = 1_000_000, 50_000
_HELD, _QUICK_HELD = 100_000, 10_000
_ROUNDS = 30
_MAX_RATIO, _MOST_MILLISECONDS, _MOST_OF_A_LIST = 1.2, 200, 50
_LISTS = {
    "items that are done": "/items/list/?function=extract&state=done",
    "items that are done, from the middle": "/items/list/?function=extract&state=done&beyond=500000",
    "items that are held, of one cause": (
        "/items/list/?function=extract&state=held&cause=Possible+burned-in+text+3"
    ),
    "files": "/files/",
    "files that are skipped": "/files/?state=skipped",
    "files of the last day": "/files/?since=2020-01-01T00&until=2100-01-01T00",
    "images": "/images/",
    "images of a bucket": "/images/?bucket=images-7",
}
_SLOW = {"DCM2SET_SWEEP_SECONDS": "86400"}  # no other work during the benchmark
_HOLD = """
insert into ledger_item (function, bucket, key, etag, state, cause, device, moved_to_bucket, moved_to_key,
    settled_at, attempts)
select 'extract', 'raw', 'incoming/held' || i || '.dcm', md5(i::text), 'held',
    'Possible burned-in text ' || i %% 7, 'Device ' || i %% 23, 'raw', 'held/held' || i || '.dcm', now(), 1
from generate_series(1, %(number)s) as i"""


def main() -> None:
    """Fill, measure, report."""
    logger().setLevel(logging.WARNING)
    is_quick = "--quick" in sys.argv
    files, held = (_QUICK_FILES, _QUICK_HELD) if is_quick else (_FILES, _HELD)
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        home = RunningHome.start(Path(name) / "home", _SLOW)
        try:
            figures = _figures(home.endpoints["database_url"], files, held)
        finally:
            home.end()
    report(f"Page: {files} settled files and {held} held ones, compared with none", figures)


def _figures(operator: str, files: int, held: int) -> list[Figure]:
    urls = [database_with_settled_files(operator, number) for number in (0, files)]
    with closing(Database(urls[0])) as empty, closing(Database(urls[1])) as full:
        clients = [PageBench.on(database).sign_in("reviewer") for database in (empty, full)]
        few, many = _milliseconds("/", *clients)
        figures = [
            Figure("overview, empty", median(few), "ms"),
            Figure.at_most(
                "overview, settled files", median(many), _MOST_MILLISECONDS, unit="ms", rounds=many
            ),
            Figure.at_most(
                "overview: ratio", median(many) / median(few), _MAX_RATIO, rounds=of_rounds(many, few)
            ),
        ]
        full.run(_HOLD, number=held)
        full.run("analyze ledger_item")
        paths = {"list": "/held/", "list of one cause": "/held/?cause=Possible+burned-in+text+3"}
        for name, path in paths.items():
            _, times = _milliseconds(path, *clients)
            figures.append(
                Figure.at_most(
                    f"held files, {name}", median(times), _MOST_MILLISECONDS, unit="ms", rounds=times
                )
            )
        return [*figures, *_lists(clients)]


def _lists(clients: list[SignedIn]) -> Iterator[Figure]:
    """The lists to which the numbers of the overview lead."""
    for name, path in _LISTS.items():
        _, times = _milliseconds(path, *clients)
        yield Figure.at_most(f"list: {name}", median(times), _MOST_OF_A_LIST, unit="ms", rounds=times)


def _milliseconds(path: str, *clients: SignedIn) -> list[list[float]]:
    """The times of a page for each client, requested in turn."""
    times: list[list[float]] = [[] for _ in clients]
    for _ in range(_ROUNDS):
        for each, client in zip(times, clients, strict=True):
            started = time.perf_counter()
            answer = client.get(path)
            each.append(1000 * (time.perf_counter() - started))
            assert answer.status_code == 200, answer.status_code
    return times


if __name__ == "__main__":
    main()
