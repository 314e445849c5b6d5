"""Run every benchmark of this folder, one after the other; options are handed on."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHMARKS = (
    *("extract.py", "deidentification.py", "quality.py", "two_at_a_time.py", "latency.py", "nas.py"),
    "growth.py",  # with idle_memory.py
    *("labels.py", "export.py", "pipeline.py"),
)


def main() -> int:
    """Run them; returns how many failed to run."""
    options = [option for option in sys.argv[1:] if option == "--quick"]
    return sum(bool(subprocess.call([sys.executable, str(HERE / name), *options])) for name in BENCHMARKS)


if __name__ == "__main__":
    sys.exit(main())
