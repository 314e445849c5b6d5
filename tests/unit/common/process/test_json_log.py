"""The log, and the loggers of libraries that would log a patient's values."""

import json
import subprocess
import sys

import pytest

from common.process.json_log import log_item


def test_item_is_one_line_of_json(log: list[str]) -> None:
    """A line has time, level, function and the given fields; fields without a value are left out."""
    log_item("extract", item=7, status="done", cause=None)
    (line,) = map(json.loads, log)
    assert ("INFO", "extract", 7, "done") == (line["level"], line["function"], line["item"], line["status"])
    assert "cause" not in line
    assert line["time"].endswith("Z")


@pytest.mark.parametrize("status", ["retry", "quarantined"])
def test_failures_are_warnings(log: list[str], status: str) -> None:
    """A line that may need a person's attention is a warning."""
    log_item("extract", status=status)
    assert "WARNING" == json.loads(log[0])["level"]


@pytest.mark.parametrize("name", ["pydicom", "urllib3", "psycopg"])
def test_libraries_that_quote_values_are_silent(name: str) -> None:
    """These libraries log nothing, however logging is configured in the process."""
    program = (
        "import logging, functions.extract.main, functions.sweep.main, functions.extract.sandbox.zygote\n"
        "logging.basicConfig(level=logging.DEBUG, force=True)\n"
        f"for name in ({name!r}, '{name}.part'): logging.getLogger(name).critical('Doe^Jane')\n"
        "logging.getLogger('another').critical('heard')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ["CRITICAL:another:heard"] == (done.stdout + done.stderr).splitlines()
