"""A training calculates with the same instructions on every x86-64 processor."""

import os
import platform
import subprocess
import sys

from model.training.same_arithmetic import ARITHMETIC

_CODE = """
import sys
from model.training.same_arithmetic import use_same_arithmetic
use_same_arithmetic()
import numpy
found = numpy.show_config(mode="dicts")["SIMD Extensions"]["found"]
print(sys.argv[1:], [name for name in found if "AVX512" in name or name == "X86_V4"])
"""


def _run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", _CODE, "an argument", "another"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


def test_a_process_starts_again_with_other_instructions() -> None:
    """It keeps its arguments and options; numpy then uses no instruction that only some processors have."""
    environment = {name: value for name, value in os.environ.items() if name not in ARITHMETIC}
    done = _run(environment)
    if platform.machine() in {"x86_64", "AMD64"}:
        assert "['an argument', 'another'] []\n" == done.stdout
    else:
        assert done.stdout.startswith("['an argument', 'another']")


def test_a_process_that_has_them_goes_on() -> None:
    """It does not start itself again for ever."""
    assert _run(os.environ | ARITHMETIC).stdout.startswith("['an argument', 'another']")
