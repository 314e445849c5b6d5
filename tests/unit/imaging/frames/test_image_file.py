"""Reading image files: valid images, other files, and damage; only our own errors are raised."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from common.errors import NoPictureError, PermanentError
from common.stage.item import Item
from common.store.object_key import Location
from deidentification.profile import Profile
from functions.extract.extract_instance import InstanceExtractor
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.prepared_instance import Rules
from imaging.frames.image_file import read_image_file
from imaging.options import Limits, PictureRules
from tests.in_memory.image_allocation import InMemoryAllocation
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.factories import make_dataset, make_grey, real_path, to_bytes, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom", "ignore::RuntimeWarning")


def _extract(data: bytes, store: InMemoryObjectStore | None = None) -> None:
    """Run extract on a file, with in-memory ports."""
    store = store or InMemoryObjectStore()
    for bucket in ("raw", "metadata", "deidentified"):
        store.ensure_bucket(bucket)
    extractor = InstanceExtractor(
        store=store,
        allocation=InMemoryAllocation(store),
        prepare=InstancePreparer(
            Rules(bytes(32), Limits(), PictureRules(), Profile(), hold_burned_in_text=False)
        ),
    )
    version = store.put(Location("raw", "incoming/image.dcm"), data, content_type="application/dicom")
    outcome = extractor(Item(1, version, releases=0, heartbeat=lambda: None))
    if outcome.outcome == "skipped":
        raise NoPictureError(outcome.cause)


def _cause(data: bytes) -> str:
    with pytest.raises(PermanentError) as caught:
        _extract(data)
    assert caught.value.next_step
    return str(caught.value)


def test_real_image_is_read() -> None:
    """A CT slice is an image of one frame, decoded in its own dtype."""
    image_file = read_image_file(real_path(), Limits())
    (frame,) = image_file.frames()
    assert (1, (128, 128), np.int16) == (image_file.number_of_frames, frame.shape, frame.dtype)


def test_frames_are_yielded_in_order(tmp_path: Path) -> None:
    """The frames of a multi-frame image are yielded in order."""
    values = np.arange(3, dtype=np.uint16).repeat(64).reshape(3, 8, 8)
    image_file = to_image_file(make_grey(values), tmp_path)
    assert [0, 1, 2] == [int(frame[0, 0]) for frame in image_file.frames()]


def test_empty_file() -> None:
    """A file without bytes is refused as empty."""
    assert "empty" in _cause(b"")


@pytest.mark.parametrize("data", [b"x", b"Sent by courier.\n", b"%PDF-1.7" * 100, b"\0" * 132, b"\0" * 5000])
def test_files_that_are_not_dicom(data: bytes) -> None:
    """Another kind of file is refused as not DICOM."""
    assert "Not a DICOM file" in _cause(data)


@pytest.mark.parametrize("name", ["rtplan.dcm", "reportsi.dcm", "test-SR.dcm", "waveform_ecg.dcm"])
def test_objects_without_a_picture(name: str) -> None:
    """Plans, reports and waveforms are valid objects that hold no picture."""
    with pytest.raises(NoPictureError, match="holds no picture"):
        read_image_file(real_path(name), Limits())


def test_image_without_its_pixels_is_truncated() -> None:
    """A file that describes an image but lacks its pixels is damaged, not a report."""
    cause = _cause(to_bytes(make_dataset(PixelData=None)))
    assert "missing" in cause
    assert "truncated" in cause


@pytest.mark.parametrize(
    "keyword", ["SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID"]
)
def test_missing_uid_is_named(keyword: str) -> None:
    """An image without one of its UIDs is refused, and the UID is named."""
    data = to_bytes(make_dataset(**{keyword: None}))
    assert _cause(data).startswith(keyword)


def test_unknown_transfer_syntax() -> None:
    """A transfer syntax that is not in PS3.6 is refused."""
    for uid in (b"1.2.840.10008.1.2.99", b"1.2.3.4.5.6.7.8.9.99", b"1.2.840.10008.5.1.4"):
        data = real_path("CT_small.dcm").read_bytes().replace(b"1.2.840.10008.1.2.1\0", uid.ljust(20, b"\0"))
        assert "transfer syntax" in _cause(data).lower()


def test_transfer_syntax_without_a_decoder() -> None:
    """A transfer syntax without a decoder, such as MPEG-4, is refused and named."""
    ds = make_dataset(name="JPEG2000.dcm")
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    assert "No decoder for the transfer syntax MPEG-4" in _cause(to_bytes(ds))


@pytest.mark.parametrize(
    "elements",
    [{"Rows": 0}, {"Columns": 0}, {"NumberOfFrames": -1}, {"Rows": None}, {"Columns": None}],
)
def test_frames_of_no_size(elements: dict) -> None:
    """An image without rows, columns or frames is refused before anything is decoded."""
    assert "Rows, Columns or NumberOfFrames" in _cause(to_bytes(make_dataset(**elements)))


def test_too_many_pixels(tmp_path: Path) -> None:
    """A frame over the limit is refused before anything is decoded; the message names the setting."""
    path = tmp_path / "image.dcm"
    path.write_bytes(to_bytes(make_dataset(Rows=65535, Columns=65535)))
    with pytest.raises(PermanentError, match="DCM2SET_MAX_PIXELS_PER_FRAME"):
        read_image_file(path, Limits())
    with pytest.raises(PermanentError, match="128 x 128"):
        read_image_file(real_path(), Limits(max_pixels_per_frame=128 * 128 - 1))
    assert read_image_file(real_path(), Limits(max_pixels_per_frame=128 * 128))


def test_too_many_frames(tmp_path: Path) -> None:
    """More frames than allowed are refused; the message names the setting."""
    path = tmp_path / "image.dcm"
    path.write_bytes(to_bytes(make_dataset(NumberOfFrames=10_001)))
    with pytest.raises(PermanentError, match="DCM2SET_MAX_FRAMES"):
        read_image_file(path, Limits())


def test_fewer_frames_than_declared() -> None:
    """A file with fewer frames than it declares is refused."""
    assert _cause(to_bytes(make_dataset(NumberOfFrames=3)))


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm", "image_dfl.dcm", "SC_rgb_rle_2frame.dcm"]
)
def test_truncated_files_raise_only_our_errors(name: str) -> None:
    """A file cut at any offset is refused with a cause or has no picture; none is drawn in part."""
    data = real_path(name).read_bytes()
    # A cut behind the pixel data, in its delimiter or the padding, does no harm.
    end = data.rfind(b"\xfe\xff\xdd\xe0") if b"\xfe\xff\xdd\xe0" in data else len(data) - 150
    offsets = {*range(0, 700, 23), *range(700, end, len(data) // 60), end - 1}
    for offset in sorted(offsets):
        with pytest.raises((PermanentError, NoPictureError)):
            _extract(data[:offset])


@pytest.mark.parametrize("name", ["CT_small.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm", "SC_rgb_jpeg.dcm"])
def test_damaged_files_raise_only_our_errors(name: str) -> None:
    """A file with random bytes changed is drawn or refused with a cause; no other error is raised."""
    data = real_path(name).read_bytes()
    random = np.random.default_rng(0)
    for _ in range(120):
        damaged = bytearray(data)
        for offset in random.integers(132, min(len(data), 6000), 4):
            damaged[offset] = random.integers(0, 256)
        with contextlib.suppress(PermanentError, NoPictureError):
            _extract(bytes(damaged))


def _lut(**elements: object) -> Sequence:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return Sequence([item])


@pytest.mark.parametrize(
    "elements",
    [
        {"PhotometricInterpretation": None},
        {"PhotometricInterpretation": "PALETTE COLOR"},
        {"PhotometricInterpretation": "RGB"},
        {"SamplesPerPixel": 3},
        {"SamplesPerPixel": None},
        {"BitsStored": None},
        {"BitsAllocated": 7},
        {"PixelRepresentation": None},
        {"VOILUTSequence": _lut()},
        {"VOILUTSequence": _lut(LUTDescriptor=[2, 0, 16])},
        {"ModalityLUTSequence": _lut()},
        {"ModalityLUTSequence": _lut(LUTDescriptor=[2, 0, 16])},
        {"WindowCenter": ["40", "50"], "WindowWidth": "1"},
        {"WindowCenter": "", "WindowWidth": ""},
        {"VOILUTFunction": "MARKER"},
        {"RescaleSlope": None},
        {"RescaleIntercept": None},
        {"SharedFunctionalGroupsSequence": Sequence([])},
        {"PerFrameFunctionalGroupsSequence": _lut(FrameVOILUTSequence=Sequence([]))},
    ],
)
def test_unusual_pixel_descriptions_are_drawn_or_refused(elements: dict) -> None:
    """Whatever a header says about its pixels, the file is drawn or refused with a cause."""
    with contextlib.suppress(PermanentError, NoPictureError):
        _extract(to_bytes(make_dataset(**elements)))


def test_refused_file_leaves_nothing_outside_raw() -> None:
    """A file that is refused because of one element has written no picture before."""
    data = to_bytes(make_dataset(SOPClassUID="1.2.840.10008.5.1.4.1.1.x"))
    store = InMemoryObjectStore()
    with pytest.raises(PermanentError):
        _extract(data, store)
    assert ["raw/incoming/image.dcm"] == [
        f"{bucket}/{key}" for bucket in store.buckets for key in store.keys(bucket)
    ]


def test_causes_quote_no_value_of_the_file() -> None:
    """The cause of a refused file has no part of its content."""
    data = to_bytes(make_dataset(PatientName="Marker^Name", PhotometricInterpretation="MARKER"))
    assert "marker" not in _cause(data).lower()
    assert "marker" not in _cause(b"Marker" * 50).lower()
