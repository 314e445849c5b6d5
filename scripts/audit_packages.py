"""Are there known weaknesses in the locked packages? Asks the advisory service of PyPI, by pip-audit.

Exit code 1 if there are. Where the service can't be reached, or knows none of the packages, a line
says so and nothing fails: the check works without a network.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 180
# By advisory, why it does not concern us; empty is best.
ACCEPTED: dict[str, str] = {}


def main() -> int:
    """Ask, and tell in a line or a list."""
    packages = _asked()
    audited = [package for package in packages if "vulns" in package]
    if not audited:
        print("Advisories: NOT AUDITED, the advisory service can't be reached from here.")
        return 0
    unknown = len(packages) - len(audited)
    found = [
        (each, weakness) for each in audited for weakness in each["vulns"] if weakness["id"] not in ACCEPTED
    ]
    for package, weakness in found:
        mended = ", ".join(weakness["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {weakness['id']}, mended in {mended}")
    told = f"; the service does not know {unknown}" if unknown else ""
    print(f"Advisories: {len(audited)} locked packages audited, {len(found)} known weaknesses{told}.")
    return 1 if found else 0


def _asked() -> list[dict[str, Any]]:
    """Every locked package, with its weaknesses if the service knows the package."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(ROOT / "requirements.lock")]
    command += ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []


if __name__ == "__main__":
    sys.exit(main())
