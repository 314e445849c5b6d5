"""Nothing that identifies a patient leaves raw: not in objects, answers, logs, rows or errors."""

import re
from collections.abc import Callable

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from common.store.object_key import QUARANTINE, RAW
from tests.functional.pipeline import Pipeline
from tests.support.factories import make_dataset, real_path, to_bytes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # the planted values are invalid

FOLDER = "ZZKEY^MARKER Müller 100%+1"
MARKERS = re.compile(rb"ZZ[A-Z]{3,}", re.IGNORECASE)


def _planted() -> Dataset:
    """CT_small with markers in all elements that may contain a name."""
    item = Dataset()
    item.PatientName = "ZZNESTED^SEQUENCE"
    item.TextValue = "ZZNESTEDTEXT"
    ds = make_dataset(
        PatientName="ZZNAME^ZZGIVEN",
        PatientID="ZZPATIENTID77",
        PatientBirthDate="19501231",
        PatientAddress="ZZSTREET 1",
        OtherPatientIDs=["ZZOTHER1", "ZZOTHER2"],
        AccessionNumber="ZZACCESSION",
        InstitutionName="ZZHOSPITAL",
        ReferringPhysicianName="ZZREFERRER^X",
        OperatorsName=["ZZOPERATOR^A", "ZZOPERATOR^B"],
        StationName="ZZSTATION",
        StudyDescription="ZZSTUDYTEXT",
        SeriesDescription="ZZSERIESTEXT",
        ImageComments="ZZCOMMENT",
        ProtocolName="ZZPROTOCOL",
        DeviceSerialNumber="ZZSERIAL",
        Manufacturer="ZZHOSPITAL and Sons",
        ManufacturerModelName="Scanner of ZZNAME",
        BodyPartExamined="ZZNAME",
        StudyID="ZZSTUDYID",
        RequestAttributesSequence=Sequence([item]),
        SharedFunctionalGroupsSequence=Sequence([item]),
    )
    block = ds.private_block(0x0099, "ZZCREATOR", create=True)
    block.add_new(0x01, "LO", "ZZPRIVATE")
    block.add_new(0x02, "PN", "ZZPRIVATE^NAME")
    ds.add(DataElement(0x60003000, "OW", b"ZZOVERLAYDATA!"))
    ds.add(DataElement(0x60000022, "LO", "ZZOVERLAYTEXT"))
    ds.file_meta.add_new(0x00020016, "AE", "ZZSOURCE_AE")
    ds.file_meta.PrivateInformationCreatorUID = "1.2.3"
    ds.file_meta.PrivateInformation = b"ZZFILEMETA"
    ds.preamble = b"ZZPREAMBLE".ljust(128, b"\0")
    return ds


def _outside_raw(pipeline: Pipeline) -> dict[str, bytes]:
    """Every object, bucket name, key and content type outside raw and its quarantine."""
    return {
        f"{bucket}/{key}": stored.data + stored.content_type.encode()
        for bucket, objects in pipeline.store.buckets.items()
        for key, stored in objects.items()
        if bucket != RAW and not (bucket == QUARANTINE and key.startswith("raw/"))
    }


def _assert_clean(pipeline: Pipeline, log: list[str]) -> None:
    for location, data in _outside_raw(pipeline).items():
        assert [] == MARKERS.findall(location.encode()), location
        assert [] == MARKERS.findall(data), location
    texts = "\n".join([*pipeline.answers, *log]).encode()
    assert [] == MARKERS.findall(texts)
    tables = (pipeline.metadata.tables, pipeline.verdicts.verdicts)
    rows = f"{tables} {pipeline.allocation.images} {pipeline.labels.labels}"
    assert [] == MARKERS.findall(rows.encode())
    causes = [
        f"{row.cause} {row.settlement and row.settlement.next_step}" for row in pipeline.table.rows.values()
    ]
    assert [] == MARKERS.findall("\n".join(causes).encode())
    folder_causes = "\n".join(pipeline.sources.causes.values())
    assert [] == MARKERS.findall(folder_causes.encode())


def _run_pipeline(pipeline: Pipeline, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        pipeline.nas.write(FOLDER, path, data)
    pipeline.send("poll_nas")
    pipeline.clock.advance(60)
    pipeline.send("poll_nas")
    pipeline.deliver()
    pipeline.send("sweep")


def test_no_planted_marker_leaves_raw(pipeline: Pipeline, log: list[str]) -> None:
    """No marker in an element or in the path is found outside raw."""
    _run_pipeline(pipeline, {"ZZFILE.dcm": to_bytes(_planted())})
    assert 1 == len(pipeline.verdicts.verdicts)
    assert 3 <= len(_outside_raw(pipeline))
    _assert_clean(pipeline, log)


_BAD_FILES: dict[str, Callable[[], bytes]] = {
    "cut in its header": lambda: to_bytes(_planted())[:700],
    "cut in its pixels": lambda: to_bytes(_planted())[:-5000],
    "not DICOM": lambda: b"ZZTEXT is no DICOM" * 20,
    "empty": lambda: b"",
    "no picture": lambda: real_path("reportsi.dcm").read_bytes(),
    "burned-in text": lambda: to_bytes(make_dataset(BurnedInAnnotation="YES", PatientName="ZZNAME")),
    "no UID": lambda: to_bytes(make_dataset(SOPInstanceUID=None, PatientName="ZZNAME")),
    "odd photometric": lambda: to_bytes(make_dataset(PhotometricInterpretation="ZZPHOTO")),
    "odd age": lambda: to_bytes(make_dataset(PatientAge="ZZZZ")),
}


@pytest.mark.parametrize("kind", _BAD_FILES)
def test_failures_quote_no_planted_marker(pipeline: Pipeline, log: list[str], kind: str) -> None:
    """The cause, log lines and answers for a bad file quote nothing of it."""
    _run_pipeline(pipeline, {"ZZFOLDER/ZZFILE.dcm": _BAD_FILES[kind]()})
    _assert_clean(pipeline, log)


def test_failures_of_dependencies_quote_no_planted_marker(pipeline: Pipeline, log: list[str]) -> None:
    """A store, database or NAS that is away is reported without a path."""
    version = pipeline.put(RAW, f"incoming/{FOLDER}/ZZFILE.dcm", to_bytes(_planted()))
    event = {"bucket": RAW, "key": version.location.key}
    for port in (pipeline.store, pipeline.table):
        port.away = True
        pipeline.send("extract", event)
        pipeline.send("sweep")
        pipeline.send("poll_nas")
        port.away = False
    pipeline.nas.away = True
    pipeline.send("poll_nas")
    _assert_clean(pipeline, log)


def test_bytes_after_the_pixels_stay_in_raw(pipeline: Pipeline, log: list[str]) -> None:
    """Pixel data longer than its frames may contain anything; the surplus is cut off."""
    ds = make_dataset()
    ds.PixelData += b"ZZHIDDENBEHINDPIXELS"
    _run_pipeline(pipeline, {"a.dcm": to_bytes(ds)})
    assert 1 == len(pipeline.verdicts.verdicts)
    _assert_clean(pipeline, log)
