"""The TOML file of blanking rules by device."""

from pathlib import Path

import pytest

from common.errors import SettingsError
from deidentification.pixels.device_rules import DeviceRule, load_device_rules
from imaging.options import Rectangle

RULE = """
[[rule]]
name = "banner"
manufacturer = "ACME"
model = "Sono 3"
rows = 480
columns = 640
blank = [[0, 0, 640, 40], [600, 40, 40, 440]]
"""


def test_rules_from_a_file(tmp_path: Path) -> None:
    """Rules are in the file's order; without a file there are none."""
    path = tmp_path / "rules.toml"
    path.write_text(
        RULE + RULE.replace("banner", "none").replace("[[0, 0, 640, 40], [600, 40, 40, 440]]", "[]")
    )
    banner = DeviceRule(
        "banner", "ACME", "Sono 3", 480, 640, (Rectangle(0, 0, 640, 40), Rectangle(600, 40, 40, 440))
    )
    assert (banner, DeviceRule("none", "ACME", "Sono 3", 480, 640, ())) == load_device_rules(path)
    assert () == load_device_rules(None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rule = ", "TOML"),
        ("", "tables and nothing else"),
        (RULE + "[other]", "tables and nothing else"),
        (RULE.replace("rows = 480", 'rows = "480"'), "rule 1 at rows"),
        (RULE + RULE.replace("rows = 480", ""), "rule 2 at rows"),
        (RULE.replace("rows", "height"), "rule 1 at"),
        (RULE.replace("640, 40]", "641, 40]"), "rule 1 at blank"),
        (RULE.replace("[0, 0, 640, 40]", "[0, 0, 640]"), "rule 1 at blank"),
        (RULE.replace("[0, 0, 640, 40]", "[0, -1, 640, 40]"), "rule 1 at blank"),
        (RULE.replace("[0, 0, 640, 40]", "[0, 0, 640, 0]"), "rule 1 at blank"),
    ],
)
def test_an_error_in_a_rule_is_named(text: str, words: str, tmp_path: Path) -> None:
    """A wrong rule is refused; the message names the rule and its field."""
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="DCM2SET_BLANKING_RULES") as caught:
        load_device_rules(path)
    assert words in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """The message for a missing file names the setting."""
    with pytest.raises(SettingsError, match="DCM2SET_BLANKING_RULES"):
        load_device_rules(tmp_path / "none.toml")
