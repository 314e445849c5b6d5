"""Blanked pictures and files, as extract makes them."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import FileDataset

from common.errors import HoldError
from deidentification.pixels.device_rules import DeviceRule
from deidentification.pixels.releases import NOT_RELEASED, Releases
from deidentification.profile import Profile
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.output_space import read_output
from functions.extract.prepared_instance import PreparedInstance, Rules
from imaging.frames.blanking import Blanking
from imaging.frames.image_file import read_image_file
from imaging.frames.palette import palette_colours
from imaging.options import Limits, PictureRules, Rectangle
from tests.support.factories import KEY, make_dataset, make_grey, real_path, to_bytes, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

READER = Profile(name="reader", version=1, suspected_text="read", identifying_text="blank")
RULES = Rules(KEY, Limits(), PictureRules(), Profile(), hold_burned_in_text=True)


def prepared(
    source: Path | FileDataset, folder: Path, *, rules: Rules = RULES, releases: Releases = NOT_RELEASED
) -> PreparedInstance:
    """The instance that extract prepares from a file."""
    if not isinstance(source, Path):
        path = folder / "source.dcm"
        path.write_bytes(to_bytes(source))
        source = path
    return InstancePreparer(rules)(source, folder, releases=releases, heartbeat=lambda: None)


def written(instance: PreparedInstance) -> FileDataset:
    """The de-identified file, read by pydicom."""
    return pydicom.dcmread(io.BytesIO(read_output(instance.dicom)))


def pictures(instance: PreparedInstance) -> list[np.ndarray]:
    """The decoded PNGs of an instance."""
    return [np.asarray(Image.open(io.BytesIO(frame.read()))) for frame in instance.frames]


@pytest.mark.parametrize(
    "name",
    [
        "OBXXXX1A.dcm",
        "OBXXXX1A_rle.dcm",
        "OBXXXX1A_expb.dcm",
        "OBXXXX1A_2frame.dcm",
        "OBXXXX1A_expb_2frame.dcm",
        "gdcm-US-ALOKA-16.dcm",
        "gdcm-US-ALOKA-16_big.dcm",
        "JPGLosslessP14SV1_1s_1f_8b.dcm",
    ],
)
def test_ultrasound_is_black_outside_its_regions_and_unchanged_inside(name: str, tmp_path: Path) -> None:
    """Every frame of the PNGs and of the de-identified file is blanked, for every transfer syntax."""
    instance = prepared(real_path(name), tmp_path, releases=Releases(2))
    original = read_image_file(real_path(name), Limits())
    ds, regions = written(instance), original.ds.SequenceOfUltrasoundRegions
    outside = np.ones((ds.Rows, ds.Columns), bool)
    for item in regions:
        outside[
            item.RegionLocationMinY0 : item.RegionLocationMaxY1 + 1,
            item.RegionLocationMinX0 : item.RegionLocationMaxX1 + 1,
        ] = False
    assert outside.any()
    frames = ds.pixel_array if instance.document.instance.number_of_frames > 1 else ds.pixel_array[None]
    for ours, theirs in zip(frames, original.frames(), strict=True):
        assert np.array_equal(ours[~outside], theirs[~outside])
        assert len(np.unique(ours[outside], axis=0)) == 1
        colours = palette_colours(ours, ds) if ds.PhotometricInterpretation == "PALETTE COLOR" else ours
        assert colours[outside].max() <= colours[~outside].min() + 1
    for picture in pictures(instance):
        assert picture[outside].max() <= 1
        assert picture[~outside].max() > 50
    assert "NO" == ds.BurnedInAnnotation
    assert all("blanked outside" in frame.recipe for frame in instance.frames)


def test_blanked_clip_is_written_decoded(tmp_path: Path) -> None:
    """A blanked JPEG clip becomes native RGB in file and metadata; its regions stay described."""
    instance = prepared(real_path("color3d_jpeg_baseline.dcm"), tmp_path, releases=Releases(2))
    ds = written(instance)
    assert ("RGB", 0, 3, 120) == (
        ds.PhotometricInterpretation,
        ds.PlanarConfiguration,
        ds.SamplesPerPixel,
        ds.NumberOfFrames,
    )
    assert not ds.file_meta.TransferSyntaxUID.is_encapsulated
    assert 120 * 480 * 640 * 3 == len(ds.PixelData)
    assert "RGB" == instance.document.instance.photometric
    assert 84 == ds.SequenceOfUltrasoundRegions[0].RegionLocationMinX0


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_blanked_grey_pixels_have_the_darkest_remaining_value(photometric: str, tmp_path: Path) -> None:
    """A picture stretched to its own range is drawn as if the blanked part had never been there."""
    values = np.tile(np.arange(1000, 1256, dtype=np.uint16), (256, 1))
    values[:40] = np.where(np.arange(256) % 2, 0, 60_000)
    rule = DeviceRule("banner", "GE MEDICAL SYSTEMS", "RHAPSODE", 256, 256, (Rectangle(0, 0, 256, 40),))
    ds = make_grey(values, PhotometricInterpretation=photometric)
    instance = prepared(ds, tmp_path, rules=replace(RULES, devices=(rule,)))
    (picture,) = pictures(instance)
    assert (0, 255) == (picture.min(), picture.max())
    assert not picture[:40].any()
    assert "blanked by rule banner" in instance.frames[0].recipe
    expected = 1255 if photometric == "MONOCHROME1" else 1000
    assert {expected} == set(written(instance).pixel_array[:40].flat)
    assert np.array_equal(values[40:], written(instance).pixel_array[40:])


def test_signed_values_keep_their_sign(tmp_path: Path) -> None:
    """In a CT slice of a device with a rule, values outside the rectangle are unchanged."""
    rule = DeviceRule("corner", "GE MEDICAL SYSTEMS", "RHAPSODE", 128, 128, (Rectangle(0, 0, 10, 10),))
    instance = prepared(real_path(), tmp_path, rules=replace(RULES, devices=(rule,)))
    original = pydicom.dcmread(real_path()).pixel_array
    ours = written(instance).pixel_array
    assert np.array_equal(original[10:], ours[10:])
    assert {original[10:].min(), ours[:10, :10].max()} >= set(ours[:10, :10].flat)


def test_a_frame_without_blanked_pixels_is_not_copied() -> None:
    """A blanking without rectangles returns the frame itself."""
    frame = np.zeros((4, 4), np.uint8)
    assert Blanking("", (), is_outside=False).blanked(frame, make_dataset()) is frame


def test_all_blanked_is_black(tmp_path: Path) -> None:
    """If the complete frame is blanked, there is no darkest value left, and black is 0."""
    image_file = to_image_file(make_grey(np.full((8, 8), 7, np.uint8)), tmp_path)
    (frame,) = replace(image_file, blanking=Blanking("", (Rectangle(0, 0, 8, 8),), is_outside=False)).frames()
    assert not frame.any()


def with_text(text: str) -> FileDataset:
    """An 8-bit secondary capture that shows a text."""
    picture = Image.new("L", (640, 480))
    ImageDraw.Draw(picture).text((20, 20), text, fill=255, font=ImageFont.load_default(24))
    return make_grey(
        np.asarray(picture), SOPClassUID="1.2.840.10008.5.1.4.1.1.7", PatientName="Muellersdorf^Annegret"
    )


def test_the_patients_name_in_a_released_picture_is_held_again(tmp_path: Path) -> None:
    """A word of the identity that is read after the first release is reported only by its attribute."""
    with pytest.raises(HoldError, match="A word of PatientName was read") as caught:
        prepared(with_text("MUELLERSDORF ANNEGRET"), tmp_path, releases=Releases(1))
    assert "muellersdorf" not in (str(caught.value) + caught.value.next_step).lower()
    assert caught.value.subject.patient_id is not None
    assert caught.value.text_found is not None
    (box,) = caught.value.text_found.boxes
    assert ("identity", 1) == (box.finding, box.frame)
    assert box.left < 40
    assert box.left + box.width > 200
    assert 10 < box.top < 30
    assert 35 < box.top + box.height < 60
    second = prepared(with_text("MUELLERSDORF ANNEGRET"), tmp_path, releases=Releases(2))
    assert "NO" == written(second).BurnedInAnnotation


def test_a_released_picture_is_blanked_where_a_person_said(tmp_path: Path) -> None:
    """With the name's rectangle black in PNG and DICOM file, the first release passes."""
    blank = (Rectangle(10, 10, 400, 50),)
    instance = prepared(with_text("MUELLERSDORF ANNEGRET"), tmp_path, releases=Releases(1, blank))
    assert not pictures(instance)[0][10:60, 10:410].any()
    assert not written(instance).pixel_array[10:60, 10:410].any()
    assert "blanked by a person" in instance.frames[0].recipe


def test_other_text_in_a_released_picture_passes(tmp_path: Path) -> None:
    """Other words are read, but are not part of the identity."""
    with pytest.raises(HoldError):
        prepared(with_text("WESTERN HOSPITAL"), tmp_path, rules=replace(RULES, profile=READER))
    instance = prepared(with_text("WESTERN HOSPITAL"), tmp_path, releases=Releases(1))
    assert 1 == len(instance.frames)
