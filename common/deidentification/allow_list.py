"""What may leave raw: an allow-list of attributes, each with the form its value must have.

Everything else is left behind, private elements, overlays and unknown ones included. Kept are
pixel description, geometry, acquisition numbers and coded strings, which PS3.15 table E.1-1
does not name; dates are shifted, UIDs replaced.
"""

import math
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from common.deidentification.pseudonym import Pseudonyms

NUMBERS = frozenset(
    """
    Rows Columns NumberOfFrames SamplesPerPixel PlanarConfiguration BitsAllocated BitsStored HighBit
    PixelRepresentation SmallestImagePixelValue LargestImagePixelValue PixelPaddingValue
    PixelPaddingRangeLimit PixelAspectRatio WindowCenter WindowWidth RescaleIntercept RescaleSlope
    RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor
    BluePaletteColorLookupTableDescriptor LUTDescriptor LossyImageCompressionRatio PixelSpacing
    ImagerPixelSpacing NominalScannedPixelSpacing SliceThickness SpacingBetweenSlices
    ImagePositionPatient ImageOrientationPatient SliceLocation InStackPositionNumber InstanceNumber
    SeriesNumber AcquisitionNumber TemporalPositionIndex NumberOfTemporalPositions KVP ExposureTime
    XRayTubeCurrent Exposure ExposureInuAs DistanceSourceToDetector DistanceSourceToPatient
    EstimatedRadiographicMagnificationFactor GantryDetectorTilt TableHeight DataCollectionDiameter
    ReconstructionDiameter SpiralPitchFactor SingleCollimationWidth TotalCollimationWidth
    BodyPartThickness CompressionForce PositionerPrimaryAngle PositionerSecondaryAngle Grid
    FocalSpots RelativeXRayExposure RepetitionTime EchoTime InversionTime NumberOfAverages
    ImagingFrequency EchoNumbers MagneticFieldStrength NumberOfPhaseEncodingSteps EchoTrainLength
    PercentSampling PercentPhaseFieldOfView PixelBandwidth FlipAngle SAR DiffusionBValue
    AcquisitionMatrix FrameTime FrameIncrementPointer CineRate RecommendedDisplayFrameRate
    PhysicalUnitsXDirection PhysicalUnitsYDirection PhysicalDeltaX PhysicalDeltaY
    RegionSpatialFormat RegionDataType
    """.split()
)
CODES = frozenset(
    """
    Modality ImageType BodyPartExamined Laterality ImageLaterality ViewPosition PatientPosition
    PatientOrientation PatientSex PhotometricInterpretation PresentationLUTShape VOILUTFunction
    RescaleType ModalityLUTType LossyImageCompression LossyImageCompressionMethod BurnedInAnnotation
    ConversionType ScanningSequence SequenceVariant ScanOptions MRAcquisitionType
    PresentationIntentType PixelIntensityRelationship RotationDirection ExposureControlMode
    FilterType PartialView QualityControlImage FrameType VolumetricProperties ComplexImageComponent
    AcquisitionContrast
    """.split()
)
NAMES = frozenset(["Manufacturer", "ManufacturerModelName", "ConvolutionKernel"])
UIDS = frozenset(
    ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"]
)
DATES = frozenset(["StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"])
LUTS = frozenset(
    [
        "RedPaletteColorLookupTableData",
        "GreenPaletteColorLookupTableData",
        "BluePaletteColorLookupTableData",
        "SegmentedRedPaletteColorLookupTableData",
        "SegmentedGreenPaletteColorLookupTableData",
        "SegmentedBluePaletteColorLookupTableData",
        "LUTData",
    ]
)
SEQUENCES = frozenset(
    """
    ModalityLUTSequence VOILUTSequence SharedFunctionalGroupsSequence
    PerFrameFunctionalGroupsSequence PixelMeasuresSequence PlanePositionSequence
    PlaneOrientationSequence FrameVOILUTSequence PixelValueTransformationSequence
    FrameAnatomySequence MRImageFrameTypeSequence CTImageFrameTypeSequence
    """.split()
)
MAX_DEPTH = 8

_CODE = re.compile(r"[A-Z0-9][A-Z0-9 _.\\/+-]{0,15}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.,()/+-]{0,63}")
_AGE = re.compile(r"(\d{3})([DWMY])")
_WORD = re.compile(r"[^\W_]{3,}")
_IDENTIFYING_VRS = frozenset(["PN"])
_IDENTIFYING = frozenset(
    """
    PatientID OtherPatientIDs AccessionNumber StudyID InstitutionName InstitutionAddress
    InstitutionalDepartmentName StationName PatientAddress PatientTelephoneNumbers
    DeviceSerialNumber IssuerOfPatientID PatientComments
    """.split()
)
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


def identifying_words(ds: Dataset) -> frozenset[str]:
    """Every word of 3 characters or more of the names, ids and places in a data set, upper case."""
    return frozenset(
        word
        for element in _all_elements(ds)
        if element.VR in _IDENTIFYING_VRS or element.keyword in _IDENTIFYING
        for word in _WORD.findall(str(element.value).upper())
    )


def allowed(ds: Dataset, pseudonyms: Pseudonyms, *, patient: str) -> Dataset:
    """A new data set of nothing but allowed attributes, in de-identified form.

    Sequences are entered to a depth of 8. A value of another form than the list asks for, or
    one that holds a word of the patient's identifying attributes, is left out.
    """
    return _allowed(ds, _Rules(pseudonyms, patient, identifying_words(ds)), depth=0)


class _Rules:
    """How one value of each kind is made fit to leave, or refused with None."""

    def __init__(self, pseudonyms: Pseudonyms, patient: str, words: frozenset[str]) -> None:
        self._pseudonyms = pseudonyms
        self._patient = patient
        self._words = words

    def for_keyword(self, keyword: str) -> Callable[[Any], Any] | None:
        if keyword in NUMBERS:
            return self._number
        if keyword in CODES:
            return self._code
        if keyword in NAMES:
            return self._name
        if keyword in UIDS:
            return lambda value: self._pseudonyms.uid(str(value)) if str(value) else None
        if keyword in DATES:
            return self._date
        if keyword in LUTS:
            return lambda value: value if isinstance(value, bytes) else None
        return self._age if keyword == "PatientAge" else None

    def _number(self, value: Any) -> Any:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return None
        return value if math.isfinite(number) else None

    def _code(self, value: Any) -> str | None:
        return self._text(str(value).strip(), _CODE)

    def _name(self, value: Any) -> str | None:
        return self._text(str(value).strip(), _NAME)

    def _text(self, text: str, form: re.Pattern[str]) -> str | None:
        named = self._words & set(_WORD.findall(text.upper()))
        return text if form.fullmatch(text) and not named else None

    def _date(self, value: Any) -> str | None:
        day = parse_date(str(value))
        return f"{self._pseudonyms.shifted(day, self._patient):%Y%m%d}" if day else None

    def _age(self, value: Any) -> str | None:
        years = age_years(str(value))
        if years is None:
            return None
        return "090Y" if years > 89 else str(value).strip()


def parse_date(text: str) -> date | None:
    """A DA value (PS3.5 table 6.2-1); None if it is no whole date."""
    try:
        return datetime.strptime(text.strip(), "%Y%m%d").date()
    except ValueError:
        return None


def age_years(text: str) -> float | None:
    """An AS value in years (PS3.5 table 6.2-1), 90 for everyone over 89."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        return None
    years = int(found[1]) * _YEARS[found[2]]
    return 90.0 if years > 89 else round(years, 2)


def _allowed(ds: Dataset, rules: _Rules, *, depth: int) -> Dataset:
    kept = Dataset()
    for tag in list(ds.keys()):
        if tag.is_private:
            continue
        element = ds[tag]
        if element.keyword in SEQUENCES and element.VR == "SQ":
            if depth < MAX_DEPTH:
                items = [_allowed(item, rules, depth=depth + 1) for item in element.value]
                kept.add(DataElement(tag, "SQ", Sequence(items)))
            continue
        rule = rules.for_keyword(element.keyword)
        value = None if rule is None else _each(element.value, rule)
        if value is not None:
            kept.add(DataElement(tag, element.VR, value))
    return kept


def _each(value: Any, rule: Callable[[Any], Any]) -> Any:
    """Apply a rule to a value or to all of several; one refused value refuses them all."""
    if value is None or value == "":
        return None
    if not isinstance(value, MultiValue | list):
        return rule(value)
    values = [rule(one) for one in value]
    return None if any(one is None for one in values) else values


def _all_elements(ds: Dataset) -> Iterator[DataElement]:
    for element in ds:
        if element.VR == "SQ":
            for item in element.value:
                yield from _all_elements(item)
        else:
            yield element
