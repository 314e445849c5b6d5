"""Names drawn into pictures: nothing of such a file leaves, or what leaves is black where the name was."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileDataset

from common.errors import HoldError
from deidentification.pixels.text_search import search as search_module
from deidentification.profile import Profile, load_profile
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.output_space import read_output
from functions.extract.prepared_instance import PreparedInstance, Rules
from imaging.options import Limits, PictureRules
from tests.support.factories import KEY, make_grey, to_bytes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

CAREFUL = Rules(KEY, Limits(), PictureRules(), Profile(), hold_burned_in_text=True)
READER = replace(CAREFUL, profile=load_profile(Path("reader")))
BLANKING = replace(CAREFUL, profile=Profile(name="blanking", version=1, identifying_text="blank"))
NAME = "MUELLERSDORF ANNEGRET"
CLEAN_PIXEL_DATA = "113101"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def prepared(ds: FileDataset, folder: Path, rules: Rules) -> PreparedInstance:
    """The instance that extract prepares from a data set."""
    path = folder / "source.dcm"
    path.write_bytes(to_bytes(ds))
    return InstancePreparer(rules)(path, folder, heartbeat=lambda: None)


def held(ds: FileDataset, folder: Path, rules: Rules) -> HoldError:
    """The error that holds a data set."""
    with pytest.raises(HoldError) as caught:
        prepared(ds, folder, rules)
    return caught.value


def slices(
    text: str = NAME, *, frames: int = 1, bright: int = 1400, dark: int = 900, **elements: Any
) -> FileDataset:
    """A clip of CT-like frames; the last one has a text of value `bright` on `dark`."""
    values = np.full((frames, 256, 512), dark, np.uint16)
    values[:, 100:220, 60:400] = np.linspace(dark, dark + 300, 340).astype(np.uint16)
    ink = np.zeros((256, 512), np.uint8)
    cv2.putText(ink, text, (30, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 1)
    values[-1][ink > 127] = bright
    original = {"PatientName": "Muellersdorf^Annegret", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}
    return make_grey(values if frames > 1 else values[0], **original | elements)


def method(instance: PreparedInstance) -> tuple[FileDataset, list[str]]:
    """The de-identified file, and the codes of its de-identification method."""
    ds = pydicom.dcmread(io.BytesIO(read_output(instance.dicom)))
    return ds, [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]


@pytest.mark.parametrize("rules", [CAREFUL, READER], ids=["careful", "reader"])
def test_other_text_is_held_with_its_place(rules: Rules, tmp_path: Path) -> None:
    """Text that is not the patient's may be another patient's."""
    error = held(slices("JONES PETER 1931"), tmp_path, rules)
    assert "Text was read in the picture." == str(error)
    assert error.text_found is not None
    assert "text" == error.text_found.finding
    assert all(box.top < 70 for box in error.text_found.boxes)


def test_the_patients_name_is_held_or_blanked_by_the_profiles_choice(tmp_path: Path) -> None:
    """The shipped profiles hold it; another one may make its place black in PNG and DICOM file."""
    assert "PatientName" in str(held(slices(), tmp_path, READER))
    error = held(slices(), tmp_path, CAREFUL)
    assert "PatientName" in str(error)
    assert "muellersdorf" not in str(error).lower() + error.next_step.lower()
    instance = prepared(slices(), tmp_path, BLANKING)
    ds, codes = method(instance)
    (frame,) = instance.frames
    picture = np.asarray(Image.open(io.BytesIO(frame.read())))
    assert not picture[44:62, 30:330].any()
    assert 1 == len(np.unique(ds.pixel_array[44:62, 30:330]))
    assert picture[100:220, 60:400].max() > 200
    assert "blanked where the patient's words were read" in frame.recipe
    assert CLEAN_PIXEL_DATA in codes


def test_every_frame_is_searched(tmp_path: Path) -> None:
    """A name in the last of five frames."""
    error = held(slices(frames=5), tmp_path, CAREFUL)
    assert error.text_found is not None
    assert {5} == {box.frame for box in error.text_found.boxes}


@pytest.mark.parametrize("bright", [300, 2400], ids=["below the window", "above the window"])
def test_text_outside_the_window_is_found(bright: int, tmp_path: Path) -> None:
    """The PNG is black or white there, but the de-identified DICOM file has the values."""
    dark = 100 if bright < 1000 else 2000
    ds = slices(bright=bright, dark=dark, WindowCenter=1200, WindowWidth=200)
    assert "PatientName" in str(held(ds, tmp_path, CAREFUL))


def test_text_in_colour_is_found(tmp_path: Path) -> None:
    """Yellow on blue of nearly the same luminance."""
    values = np.zeros((256, 512, 3), np.uint8)
    values[..., 2] = 200
    cv2.putText(values, NAME, (30, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (110, 60, 0), 1)
    ds = make_grey(
        values[..., 0],
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        PixelData=values.tobytes(),
        PatientName="Muellersdorf^Annegret",
    )
    ds.Rows, ds.Columns = 256, 512
    assert "PatientName" in str(held(ds, tmp_path, CAREFUL))


def test_the_header_says_who_looked(tmp_path: Path) -> None:
    """113101 is written only where a person, a rule or the search has looked, and the method says which."""
    ds, codes = method(prepared(slices("AP"), tmp_path, CAREFUL))
    assert CLEAN_PIXEL_DATA in codes
    assert "Pixels: looked at by the text search" == ds.DeidentificationMethod[1]
    off = replace(CAREFUL, hold_burned_in_text=False)
    ds, codes = method(prepared(slices(), tmp_path, off))
    assert CLEAN_PIXEL_DATA not in codes
    assert isinstance(ds.DeidentificationMethod, str)


def test_without_a_reader_the_header_does_not_claim_that_somebody_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clean original passes; what seems to be text is held, and so is what the reader would decide."""
    monkeypatch.setattr(search_module, "can_read", lambda: False)
    _, codes = method(prepared(slices(""), tmp_path, CAREFUL))
    assert CLEAN_PIXEL_DATA not in codes
    assert "no text reader is installed" in str(held(slices(), tmp_path, CAREFUL))
    capture = slices("", SOPClassUID=SECONDARY_CAPTURE)
    assert "no text reader is installed" in str(held(capture, tmp_path, READER))


def test_captures_pass_with_the_reader_profile_alone(tmp_path: Path) -> None:
    """A secondary capture without text: a person must look, unless the profile lets the search decide."""
    capture = slices("", SOPClassUID=SECONDARY_CAPTURE)
    error = held(capture, tmp_path, CAREFUL)
    assert "secondary capture" in str(error)
    assert error.text_found is not None
    assert ("nothing", ()) == (error.text_found.finding, error.text_found.boxes)
    ds, codes = method(prepared(capture, tmp_path, READER))
    assert CLEAN_PIXEL_DATA in codes
    assert "NO" == ds.BurnedInAnnotation
