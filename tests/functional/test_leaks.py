"""Nothing that tells a patient leaves raw: not in objects, answers, logs, rows or errors."""

import re
from collections.abc import Callable

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from common.store.object_key import QUARANTINE, RAW
from tests.functional.line import Line
from tests.support.factories import make_dataset, real_path, to_bytes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # the planted values are odd

FOLDER = "ZZKEY^MARKER Müller 100%+1"
MARKERS = re.compile(rb"ZZ[A-Z]{3,}", re.IGNORECASE)


def _planted() -> Dataset:
    """CT_small with markers wherever a name may be."""
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


def _outside_raw(line: Line) -> dict[str, bytes]:
    """Every object, bucket name, key and content type outside raw and its quarantine."""
    return {
        f"{bucket}/{key}": stored.data + stored.content_type.encode()
        for bucket, objects in line.store.buckets.items()
        for key, stored in objects.items()
        if bucket != RAW and not (bucket == QUARANTINE and key.startswith("raw/"))
    }


def _assert_clean(line: Line, log: list[str]) -> None:
    for place, data in _outside_raw(line).items():
        assert [] == MARKERS.findall(place.encode()), place
        assert [] == MARKERS.findall(data), place
    told = "\n".join([*line.answers, *log]).encode()
    assert [] == MARKERS.findall(told)
    rows = f"{line.metadata.tables} {line.verdicts.verdicts} {line.allocation.images} {line.labels.labels}"
    assert [] == MARKERS.findall(rows.encode())
    causes = [
        f"{row.cause} {row.settlement and row.settlement.next_step}" for row in line.table.rows.values()
    ]
    assert [] == MARKERS.findall("\n".join(causes).encode())
    folder_causes = "\n".join(line.sources.causes.values())
    assert [] == MARKERS.findall(folder_causes.encode())


def _through_the_line(line: Line, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        line.nas.write(FOLDER, path, data)
    line.send("poll_nas")
    line.clock.advance(60)
    line.send("poll_nas")
    line.deliver()
    line.send("sweep")


def test_nothing_planted_leaves_raw(line: Line, log: list[str]) -> None:
    """Markers planted in every kind of element and in the path are nowhere outside raw."""
    _through_the_line(line, {"ZZFILE.dcm": to_bytes(_planted())})
    assert 1 == len(line.verdicts.verdicts)
    assert 3 <= len(_outside_raw(line))
    _assert_clean(line, log)


_SPOILED: dict[str, Callable[[], bytes]] = {
    "cut in its header": lambda: to_bytes(_planted())[:700],
    "cut in its pixels": lambda: to_bytes(_planted())[:-5000],
    "no DICOM": lambda: b"ZZTEXT is no DICOM" * 20,
    "empty": lambda: b"",
    "no picture": lambda: real_path("reportsi.dcm").read_bytes(),
    "burned-in text": lambda: to_bytes(make_dataset(BurnedInAnnotation="YES", PatientName="ZZNAME")),
    "no UID": lambda: to_bytes(make_dataset(SOPInstanceUID=None, PatientName="ZZNAME")),
    "odd photometric": lambda: to_bytes(make_dataset(PhotometricInterpretation="ZZPHOTO")),
    "odd age": lambda: to_bytes(make_dataset(PatientAge="ZZZZ")),
}


@pytest.mark.parametrize("kind", _SPOILED)
def test_failures_tell_nothing_planted(line: Line, log: list[str], kind: str) -> None:
    """Whatever is wrong with a file, its cause, log lines and answers quote nothing of it."""
    _through_the_line(line, {"ZZFOLDER/ZZFILE.dcm": _SPOILED[kind]()})
    _assert_clean(line, log)


def test_failures_of_the_store_tell_nothing_planted(line: Line, log: list[str]) -> None:
    """A store, a database or a NAS that goes away is told without a path."""
    version = line.put(RAW, f"incoming/{FOLDER}/ZZFILE.dcm", to_bytes(_planted()))
    event = {"bucket": RAW, "key": version.location.key}
    for port in (line.store, line.table):
        port.away = True
        line.send("extract", event)
        line.send("sweep")
        line.send("poll_nas")
        port.away = False
    line.nas.away = True
    line.send("poll_nas")
    _assert_clean(line, log)


def test_bytes_hidden_behind_the_pixels_stay_in_raw(line: Line, log: list[str]) -> None:
    """Pixel data longer than the picture holds may hide anything; the surplus is not handed on."""
    ds = make_dataset()
    ds.PixelData += b"ZZHIDDENBEHINDPIXELS"
    _through_the_line(line, {"a.dcm": to_bytes(ds)})
    assert 1 == len(line.verdicts.verdicts)
    _assert_clean(line, log)
