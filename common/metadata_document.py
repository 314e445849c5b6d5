"""The metadata JSON of one SOP instance: extract writes it, store_metadata stores it in the database."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from common.errors import PermanentError
from common.store.object_key import ImagePath

Uid = Annotated[str, StringConstraints(pattern=r"^[0-9][0-9.]{0,63}$")]
PatientPseudonym = Annotated[str, StringConstraints(pattern=r"^P[0-9a-f]{20}$")]
MAX_RECIPE = 300  # characters
MAX_TEXT = 64  # characters
ShortText = Annotated[str, StringConstraints(max_length=MAX_TEXT)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageEntry(_Part):
    """One image that was written."""

    frame: int = Field(ge=1)
    key: str  # without the bucket, whose name has the time of arrival
    rows: int
    columns: int
    samples: int
    bits: int  # 8, or 16 for modality values
    recipe: Annotated[str, StringConstraints(max_length=MAX_RECIPE)]  # how the picture was drawn, in words
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Header(_Part):
    """How the outputs were made."""

    pipeline_version: ShortText
    recipe_version: int
    deidentification: ShortText
    key_id: ShortText
    # Number of elements by action (kept, shifted, removed …) and keyword.
    actions: dict[str, dict[str, int]]
    images: list[ImageEntry]


class PatientEntry(_Part):
    """The patient, by pseudonym."""

    patient_id: PatientPseudonym
    sex: ShortText | None = None


class StudyEntry(_Part):
    """The study; its date is shifted."""

    study_instance_uid: Uid
    study_date: date | None = None


class SeriesEntry(_Part):
    """The series."""

    series_instance_uid: Uid
    modality: ShortText | None = None
    body_part: ShortText | None = None
    laterality: ShortText | None = None
    manufacturer: ShortText | None = None
    model: ShortText | None = None


class InstanceEntry(_Part):
    """The SOP instance; lengths in mm, KVP in kV."""

    sop_instance_uid: Uid
    sop_class_uid: Uid
    instance_number: int | None = Field(None, ge=-(2**31), lt=2**31)
    view_position: ShortText | None = None
    photometric: ShortText | None = None
    rows: int
    columns: int
    number_of_frames: int
    pixel_spacing_row: float | None = None
    pixel_spacing_col: float | None = None
    slice_thickness: float | None = None
    kvp: float | None = None
    age_years: float | None = None
    attributes: dict[str, Any] = Field(description="all allowed attributes by DICOM keyword")


class MetadataDocument(_Part):
    """One SOP instance."""

    header: Header
    patient: PatientEntry
    study: StudyEntry
    series: SeriesEntry
    instance: InstanceEntry

    @property
    def path(self) -> ImagePath:
        """The beginning of the keys of all objects made from the instance."""
        return ImagePath(
            patient=self.patient.patient_id,
            study_instance_uid=self.study.study_instance_uid,
            series_instance_uid=self.series.series_instance_uid,
            sop_instance_uid=self.instance.sop_instance_uid,
        )

    @property
    def is_localizer(self) -> bool:
        """Whether Image Type (0008,0008) says that the image is a scout for planning other images."""
        return "LOCALIZER" in (self.instance.attributes.get("ImageType") or ())

    def with_images(self, images: Sequence[ImageEntry]) -> "MetadataDocument":
        """The same document with the images that were written."""
        header = self.header.model_copy(update={"images": list(images)})
        return self.model_copy(update={"header": header})

    def to_json(self) -> bytes:
        """The same bytes for the same content, in every process."""
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def parse_metadata(body: bytes) -> MetadataDocument:
    """Parse a document; raises PermanentError, which names the field that is wrong."""
    try:
        return MetadataDocument.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError:
        raise PermanentError("The metadata object is not valid JSON.", _NEXT_STEP) from None
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        raise PermanentError(
            f"The metadata object is wrong at {field or 'its top level'}.", _NEXT_STEP
        ) from None


_NEXT_STEP = "Only extract writes metadata; replay the instance there."
