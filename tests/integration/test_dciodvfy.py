"""De-identified files checked by an independent validator: dciodvfy of Debian's dicom3tools."""

import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common.errors import NoPictureError, PermanentError
from deidentification.pixels.burned_in_gate import burned_in_decision
from deidentification.pixels.releases import Releases
from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from imaging.frames.image_file import ImageFile, read_image_file
from imaging.options import Limits
from tests.support.factories import PSEUDONYMS
from tests.support.real_files import REAL_FOLDERS

MAX_BYTES = 2_000_000  # larger files differ only in their pixels
DCIODVFY = shutil.which("dciodvfy") or ""
# dciodvfy can't read deflated files, so it reports no errors for this original.
KNOWN = {"image_dfl.dcm"}


def _images() -> Iterator[ImageFile]:
    for folder in REAL_FOLDERS:
        for path in sorted(folder.rglob("*.dcm")):
            if path.stat().st_size <= MAX_BYTES:
                try:
                    yield read_image_file(path, Limits())
                except (PermanentError, NoPictureError):
                    continue


def _errors(path: Path) -> set[str]:
    """The errors that dciodvfy reports for a file, without the values in them."""
    done = subprocess.run(
        [DCIODVFY, str(path)], capture_output=True, text=True, errors="replace", timeout=60, check=False
    )
    return {re.sub(r"<[0-9.]+>.*", "", line) for line in done.stderr.splitlines() if line.startswith("Error")}


@pytest.mark.skipif(
    not DCIODVFY,
    reason="NOT CHECKED: dciodvfy is missing; install Debian's dicom3tools to check de-identified files",
)
def test_no_error_that_the_original_did_not_have(tmp_path: Path) -> None:
    """No de-identified file of a real image, blanked or not, has an error that its original doesn't have."""
    target, number, new = tmp_path / "image.dcm", 0, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for image_file in _images():
            decision = burned_in_decision(
                image_file.ds, (), profile=Profile(), is_gate_on=True, releases=Releases(1)
            )
            blanked = replace(image_file, blanking=decision.blanking)
            try:
                with target.open("w+b") as stream:
                    deidentify(blanked, PSEUDONYMS, Profile(), decision).write(stream)
            except PermanentError:  # it can't be decoded, so extract quarantines it
                continue
            number += 1
            errors = _errors(target) - _errors(image_file.path)
            if errors and image_file.path.name not in KNOWN:
                new[image_file.path.name] = errors
    assert number >= 100
    assert {} == new
