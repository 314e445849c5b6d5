"""Check the locked packages for known vulnerabilities with pip-audit and PyPI's advisory service.

The exit code is 1 if there are any. If the service can't be reached or knows none of the packages, the
script prints a line and doesn't fail, so that it also works without a network.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 180
# Reasons by advisory why it doesn't concern dcm2set; ideally empty.
ACCEPTED: dict[str, str] = {}


def main() -> int:
    """Print the vulnerabilities and a summary."""
    packages = _audit()
    audited = [package for package in packages if "vulns" in package]
    if not audited:
        print("Advisories: NOT AUDITED, the advisory service can't be reached from here.")
        return 0
    unknown = len(packages) - len(audited)
    found = [
        (each, advisory) for each in audited for advisory in each["vulns"] if advisory["id"] not in ACCEPTED
    ]
    for package, advisory in found:
        fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {advisory['id']}, fixed in {fixed}")
    suffix = f"; the service does not know {unknown}" if unknown else ""
    print(f"Advisories: {len(audited)} locked packages audited, {len(found)} known vulnerabilities{suffix}.")
    return 1 if found else 0


def _audit() -> list[dict[str, Any]]:
    """Return every locked package, with its vulnerabilities if the service knows it."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(ROOT / "requirements.lock")]
    command += ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        return list(json.loads(done.stdout)["dependencies"])
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []


if __name__ == "__main__":
    sys.exit(main())
