"""Check the licences of all installed packages, as pip-licenses lists them, against an allow-list.

The exit code is 1 if a licence isn't on the list or docs/licences.md differs from what is installed.
`--write` rewrites that page.
"""

import argparse
import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).resolve().parent.parent / "docs" / "licences.md"
RUN_TIME_EXTRAS = {"", "local", "training-sets", "train"}
# Each part of a licence expression must be one of these.
PERMISSIVE = re.compile(
    r"MIT(-0|-CMU)?( License)?|BSD( License|-[23]-Clause)?|3-Clause BSD License|0BSD"
    r"|Apache(-2\.0| Software License)"
    r"|ISC( License \(ISCL\))?|PSF-2\.0|Python Software Foundation License|Zlib|CC0-1\.0|Unlicense"
    r"|BSD-derived \(http://www\.repoze\.org/LICENSE\.txt\)"
)
# Weak copyleft: the package is used unchanged and isn't linked into dcm2set.
WEAK_COPYLEFT = re.compile(r"MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\)|LGPL-3\.0-only")
# Packages whose metadata states no licence, with the licence of their source.
STATED_BY_SOURCE = {
    "mlcroissant": "Apache-2.0",  # LICENSE of github.com/mlcommons/croissant
    "axe-playwright-python": "MIT",  # LICENSE in the wheel; axe-core, which it contains, is MPL-2.0
}
HEADER = """# Licences of the packages

Written by `make licences`; `make check` holds it to what is installed. Licences that would bind dcm2set
itself (GPL, AGPL) are refused; LGPL and MPL packages are used unchanged, as packages of their own. MinIO
(AGPL-3.0) is no package and no part of dcm2set: it is built on the user's machine and run as a server of its
own. `make sbom` writes the full bill of materials with versions (CycloneDX) to `build/sbom.json`.

| package | licence | needed |
|---|---|---|
"""


def main() -> int:
    """Check every installed package and the page."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--write", action="store_true", help="rewrite docs/licences.md")
    licences, run_time = _licences(), _needed("dcm2set", RUN_TIME_EXTRAS)
    rows = [
        f"| {name} | {licence} | {'at run time' if name in run_time else 'for developing'} |"
        for name, licence in sorted(licences.items())
    ]
    page = HEADER + "\n".join(rows) + "\n"
    if arguments.parse_args().write:
        PAGE.write_text(page, encoding="utf-8")
    refused = {name: licence for name, licence in licences.items() if not _is_allowed(licence)}
    for name, licence in sorted(refused.items()):
        print(f"{name}: {licence} is not on the allow-list of scripts/check_licences.py")
    # Another system may need fewer packages than the page lists.
    is_current = PAGE.exists() and set(rows) <= set(PAGE.read_text(encoding="utf-8").splitlines())
    if not is_current:
        print("docs/licences.md differs from what is installed. Run make licences.")
    used = len(run_time & set(licences))
    print(f"Licences: {len(licences)} packages, {used} at run time, {len(refused)} refused.")
    return 1 if refused or not is_current else 0


def _licences() -> dict[str, str]:
    # pip-licenses lists the environment of this Python, without itself and its own requirements.
    command = [sys.executable, "-m", "piplicenses", "--format", "json"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {
        str(canonicalize_name(each["Name"])): " ".join(each["License"].split())
        for each in json.loads(output)
        if canonicalize_name(each["Name"]) != "dcm2set"
    }
    by_source = {name: STATED_BY_SOURCE.get(name, licence) for name, licence in found.items()}
    return {name: by_source[name] if found[name] == "UNKNOWN" else found[name] for name in found}


def _needed(package: str, extras: set[str]) -> set[str]:
    """Return a package's requirements on this machine, including indirect ones."""
    seen: set[tuple[str, str]] = set()
    waiting = [(package, extra) for extra in extras]
    while waiting:
        name, extra = waiting.pop()
        for requirement in map(Requirement, _requirements(name)):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                required = str(canonicalize_name(requirement.name))
                new = {(required, each) for each in ("", *requirement.extras)} - seen
                seen |= new
                waiting += new
    return {name for name, _ in seen} - {package}


def _requirements(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def _is_allowed(licence: str) -> bool:
    """Whether all parts joined by AND are allowed, and at least one of the parts joined by OR."""
    parts = re.split(r"\s+AND\s+|;\s*", re.sub(r"^\((.*)\)$", r"\1", licence))
    return all(
        any(
            _is_known(choice.strip("() ") if " OR " in part else choice)
            for choice in re.split(r"\s+OR\s+", part)
        )
        for part in parts
    )


def _is_known(licence: str) -> bool:
    return bool(PERMISSIVE.fullmatch(licence) or WEAK_COPYLEFT.fullmatch(licence))


if __name__ == "__main__":
    sys.exit(main())
