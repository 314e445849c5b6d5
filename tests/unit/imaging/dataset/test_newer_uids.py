"""UIDs that are newer than pydicom."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import UID

from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from imaging.dataset.newer_uids import HeightMapSegmentationStorage, LabelMapSegmentationStorage
from tests.support.factories import PSEUDONYMS, make_grey, to_image_file


@pytest.mark.parametrize("uid", [LabelMapSegmentationStorage, HeightMapSegmentationStorage])
def test_newer_sop_classes_are_no_instances(uid: UID, tmp_path: Path) -> None:
    """The de-identified file has the SOP class of the original."""
    ds = make_grey(np.zeros((4, 4), np.uint8), SOPClassUID=uid, Modality="SEG")
    buffer = io.BytesIO()
    deidentify(to_image_file(ds, tmp_path), PSEUDONYMS, Profile()).write(buffer)
    assert uid == pydicom.dcmread(io.BytesIO(buffer.getvalue())).SOPClassUID
    assert UID(uid).name.endswith("Map Segmentation Storage")
