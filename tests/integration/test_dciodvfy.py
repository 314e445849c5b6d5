"""De-identified files before a judge of their own: dciodvfy, of Debian's dicom3tools."""

import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import data_store
import pydicom
import pytest

from common.errors import PermanentError
from deidentification.pixels.burned_in_gate import burned_in_decision
from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from imaging.frames.image_checks import Limits, NoPictureError
from imaging.frames.image_file import ImageFile, read_image_file
from tests.support.factories import PSEUDONYMS

FOLDERS = [Path(package.__file__).parent / "data" for package in (pydicom, data_store)]
MOST_BYTES = 2_000_000  # the larger ones differ in pixels alone
# dciodvfy reads no deflated file, so nothing is told of its original.
DCIODVFY = shutil.which("dciodvfy") or ""
KNOWN = {"image_dfl.dcm"}


def _images() -> Iterator[ImageFile]:
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.dcm")):
            if path.stat().st_size <= MOST_BYTES:
                try:
                    yield read_image_file(path, Limits())
                except (PermanentError, NoPictureError):
                    continue


def _errors(path: Path) -> set[str]:
    """The errors told of a file, without the values in them."""
    told = subprocess.run(
        [DCIODVFY, str(path)], capture_output=True, text=True, errors="replace", timeout=60, check=False
    )
    return {re.sub(r"<[0-9.]+>.*", "", line) for line in told.stderr.splitlines() if line.startswith("Error")}


@pytest.mark.skipif(
    not DCIODVFY,
    reason="NOT CHECKED: dciodvfy is missing; install Debian's dicom3tools to hold de-identified files to it",
)
def test_no_error_that_the_original_did_not_have(tmp_path: Path) -> None:
    """Of the real images no de-identified file has an error that its original had not, blanked ones too."""
    target, number, new = tmp_path / "image.dcm", 0, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for image_file in _images():
            number += 1
            decision = burned_in_decision(image_file.ds, (), holds=True, is_released=True)
            blanked = replace(image_file, blanking=decision.blanking)
            with target.open("w+b") as stream:
                deidentify(blanked, PSEUDONYMS, Profile(), decision).write(stream)
            errors = _errors(target) - _errors(image_file.path)
            if errors and image_file.path.name not in KNOWN:
                new[image_file.path.name] = errors
    assert number >= 100
    assert {} == new
