"""The fixed buckets, and how keys are built and derived from other keys."""

from dataclasses import dataclass

from common.errors import PermanentError

RAW = "raw"
METADATA = "metadata"
DEIDENTIFIED = "deidentified"
ANNOTATIONS = "annotations"
SUBOPTIMAL = "suboptimal"
QUARANTINE = "quarantine"
TRAINING_SETS = "training-sets"
LABELLING = "labelling"
FIXED_BUCKETS = (
    *(RAW, METADATA, DEIDENTIFIED, ANNOTATIONS, SUBOPTIMAL, QUARANTINE),
    *(TRAINING_SETS, LABELLING),
)

INCOMING = "incoming/"  # uploaded by others; sweep finds it by listing, so it is moved when it is done
NAS = "nas/"  # copied by poll_nas, which announces it; so it stays
PROCESSED = "processed/"
HELD = "held/"


@dataclass(frozen=True)
class Location:
    """Bucket and key of an object."""

    bucket: str
    key: str


@dataclass(frozen=True)
class ImagePath:
    """The pseudonymous identifiers in the keys of one SOP instance."""

    patient: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str

    @property
    def instance(self) -> str:
        """The beginning of the keys of all objects made from one SOP instance."""
        study, series = self.study_instance_uid, self.series_instance_uid
        return f"{self.patient}/{study}/{series}/{self.sop_instance_uid}"

    def frame(self, number: int) -> str:
        """The key of the image of one frame; frames count from 1 (PS3.3 C.7.6.6)."""
        return f"{self.instance}/{number}.png"


def processed(location: Location) -> Location:
    """Where an input is moved when it is done: out of `incoming/`, in the same bucket."""
    return Location(location.bucket, PROCESSED + location.key.removeprefix(INCOMING))


def held(location: Location) -> Location:
    """Where a held input waits for a person: in the same bucket."""
    return Location(location.bucket, HELD + location.key.removeprefix(INCOMING))


def original_keys(key: str) -> list[str]:
    """The keys under which an object in raw may have arrived, by its present key.

    There are two for `held/nas/…`, since a folder in `incoming/` may have the name `nas` too.
    """
    if key.startswith((INCOMING, NAS)):
        return [key]
    for top in (PROCESSED, HELD):
        if key.startswith(top):
            rest = key.removeprefix(top)
            return [INCOMING + rest] + ([rest] if rest.startswith(NAS) else [])
    return [key]


def quarantined(location: Location) -> Location:
    """Where an input is moved that can't succeed as it is."""
    return Location(QUARANTINE, f"{location.bucket}/{location.key}")


def beside(location: Location, etag: str) -> Location:
    """Where content is copied if another object has the key already."""
    return Location(location.bucket, f"{location.key}~{etag}")


def frame_number(key: str) -> tuple[str, int]:
    """The SOP Instance UID and frame number in an image's key.

    Raises PermanentError if the key is not the key of an image.
    """
    parts = key.split("/")
    stem, dot, suffix = parts[-1].partition(".")
    if len(parts) != 5 or not (dot and suffix == "png" and stem.isascii() and stem.isdigit()):
        raise PermanentError(
            "The object's key is not the key of an image: <patient>/<study>/<series>/<instance>/<frame>.png.",
            "Only extract writes into image buckets; put files for it into raw/incoming/.",
        )
    return parts[3], int(stem)
