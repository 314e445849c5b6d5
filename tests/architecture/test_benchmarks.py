"""Every benchmark can still be begun: what it measures may have changed since it was last run."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))


def test_every_benchmark_can_be_imported() -> None:
    """What a benchmark imports is there; a name that is gone would show only when it is run."""
    assert "pipeline" in NAMES
    code = "\n".join(f"import benchmarks.{name}" for name in NAMES)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
