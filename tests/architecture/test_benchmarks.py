"""Every benchmark can be imported, although the measured code may have changed since its last run."""

import subprocess
import sys

from tests.support.repository import ROOT

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "benchmarks").rglob("*.py")
)


def test_every_benchmark_can_be_imported() -> None:
    """All imports of the benchmarks exist; otherwise a missing name would only show when one is run."""
    assert "benchmarks.pipeline" in MODULES
    code = "\n".join(f"import {name}" for name in MODULES)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
