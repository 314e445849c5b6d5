"""Run all benchmarks of this folder one after another, and print one page of every figure with a bar.

The option --quick is passed on. The page is also written to build/benchmarks.txt.
"""

import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# To import `benchmarks`.
sys.path.insert(0, str(HERE.parent))

from benchmarks.support.machine import machine, noise

BENCHMARKS = (
    *("extract.py", "deidentification.py", "privacy.py", "midi_b.py", "quality.py"),
    *("concurrent_extract.py", "latency.py", "cold_start.py", "nas.py"),
    *("growth.py", "slopes.py"),  # growth.py includes idle_memory.py
    *("page.py", "deciding.py"),
    *("labels.py", "near_duplicates.py", "export.py", "pipeline.py", "scale.py"),
)
PAGE = HERE.parent / "build" / "benchmarks.txt"


def main() -> int:
    """Run them; return the number of benchmarks that failed to run."""
    options = [option for option in sys.argv[1:] if option == "--quick"]
    failed, sections = [], []
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as folder:
        for name in BENCHMARKS:
            path, noisy = Path(folder) / f"{name}.json", noise()
            code = subprocess.call([sys.executable, str(HERE / name), *options, "--json", str(path)])
            if code or not path.exists():
                failed.append(name)
                continue
            sections.append(section(json.loads(path.read_text(encoding="utf-8")), noisy))
    head = [f"{machine()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC{', quick' if options else ''}", ""]
    tail = [f"Failed to run: {', '.join(failed)}."] if failed else []
    page = "\n".join([*head, *sections, *tail])
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
    print(page)
    return len(failed)


def section(written: dict[str, Any], noisy: float) -> str:
    """Return the lines of one benchmark: what it measured with a bar, or everything if nothing has one.

    `noisy` is the machine's noise just before, as a share.
    """
    figures = [each for each in written["figures"] if each["bar"] is not None] or written["figures"]
    width = max((len(each["name"]) for each in figures), default=0)
    lines = [f"{written['title']} (noise {100 * noisy:.0f} %)"]
    for each in figures:
        spread = "" if each["low"] is None else f"{each['low']:.3g} to {each['high']:.3g}"
        end = "" if each["bar"] is None else f"{each['bar']:>10}  {each['verdict']}"
        line = f"  {each['name']:<{width}} {each['value']:>11.3f} {each['unit']:<9} {spread:>18} {end}"
        lines.append(line.rstrip())
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
