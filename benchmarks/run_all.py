"""Run every benchmark of this folder, one after the other; options are handed on."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOT_BENCHMARKS = {"run_all.py", "report.py"}


def main() -> int:
    """Run them; returns how many failed to run."""
    scripts = [path for path in sorted(HERE.glob("*.py")) if path.name not in NOT_BENCHMARKS]
    options = [option for option in sys.argv[1:] if option == "--quick"]
    return sum(bool(subprocess.call([sys.executable, str(path), *options])) for path in scripts)


if __name__ == "__main__":
    sys.exit(main())
