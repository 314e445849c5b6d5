"""How long a reviewer waits in a real browser, from the key of a decision to the next picture.

Held files of 512 x 512 pixels are decided one after another with the keyboard. The time is that of the wall
clock, browser included, so it is more than the server's. `--quick` decides fewer.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

# To import `benchmarks`, `common` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.support.report import Figure, report
from tests.support.browser import chromium, opened
from tests.support.held_files import held_file, put_held, sign_in
from tests.support.local_home import RunningHome

_NUMBER, _QUICK_NUMBER = 100, 20
_SIZE = 512
_MOST_SECONDS = 0.3


def main() -> None:
    """Start a home, decide, report."""
    number = _QUICK_NUMBER if "--quick" in sys.argv else _NUMBER
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        home = RunningHome.start(Path(name) / "home", {"DCM2SET_UNDO_SECONDS": "10"})
        try:
            seconds = _decide(home, number)
        finally:
            home.end()
    slow = statistics.quantiles(seconds, n=20)[-1]
    figures = [
        Figure.at_most(
            "key to next picture, median", statistics.median(seconds), _MOST_SECONDS, unit="s", rounds=seconds
        ),
        Figure("key to next picture, 95 %", slow, "s"),
    ]
    report(f"Deciding about {number} held files of {_SIZE} x {_SIZE} pixels", figures)


def _decide(home: RunningHome, number: int) -> list[float]:
    """The seconds from each key to the next picture."""
    put_held(home, [held_file(each, size=_SIZE) for each in range(number)])
    seconds = []
    with chromium() as browser, opened(browser) as page:
        address = sign_in(home, page, "reviewer")
        page.goto(f"{address}/held/")
        page.keyboard.press("Enter")
        page.get_by_label("Why").fill("Seen.")
        page.keyboard.press("Escape")
        page.locator("[data-picture]").evaluate("picture => picture.decode()")
        for _ in range(number - 1):
            started, heading = time.perf_counter(), page.get_by_role("heading", level=1).inner_text()
            page.keyboard.press("r")
            page.locator(f"h1:not(:text-is('{heading}'))").wait_for()
            page.locator("[data-picture]").evaluate("picture => picture.decode()")
            seconds.append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main()
