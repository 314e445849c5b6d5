"""Run all benchmarks of this folder one after another. The option --quick is passed on."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHMARKS = (
    *("extract.py", "deidentification.py", "privacy.py", "midi_b.py", "quality.py"),
    *("concurrent_extract.py", "latency.py", "nas.py"),
    *("growth.py", "slopes.py"),  # growth.py includes idle_memory.py
    *("page.py", "deciding.py"),
    *("labels.py", "near_duplicates.py", "export.py", "pipeline.py", "scale.py"),
)


def main() -> int:
    """Run them; return the number of benchmarks that failed to run."""
    options = [option for option in sys.argv[1:] if option == "--quick"]
    return sum(bool(subprocess.call([sys.executable, str(HERE / name), *options])) for name in BENCHMARKS)


if __name__ == "__main__":
    sys.exit(main())
