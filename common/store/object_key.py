"""Where objects lie: the fixed buckets, and the keys derived from one another."""

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

INCOMING = "incoming/"  # what others put; found by listing, so it is moved on
NAS = "nas/"  # what poll_nas copied; found by its rows, so it stays
PROCESSED = "processed/"
HELD = "held/"


@dataclass(frozen=True)
class Location:
    """An object's place."""

    bucket: str
    key: str


@dataclass(frozen=True)
class ImagePath:
    """The pseudonymous identifiers that an image's key is made of."""

    patient: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str

    @property
    def instance(self) -> str:
        """The common part of the keys of everything made from one SOP instance."""
        study, series = self.study_instance_uid, self.series_instance_uid
        return f"{self.patient}/{study}/{series}/{self.sop_instance_uid}"

    def frame(self, number: int) -> str:
        """The key of one frame's picture; frames count from 1 (PS3.3 C.7.6.6)."""
        return f"{self.instance}/{number}.png"


def processed(location: Location) -> Location:
    """Where an input goes once its work is done: out of `incoming/`, same bucket."""
    return Location(location.bucket, PROCESSED + location.key.removeprefix(INCOMING))


def held(location: Location) -> Location:
    """Where an input waits for a person: still in its own bucket."""
    return Location(location.bucket, HELD + location.key.removeprefix(INCOMING))


def as_it_came(key: str) -> list[str]:
    """The keys under which an object of raw may have come, by the one it lies under now.

    Two for `held/nas/…`: who puts objects into `incoming/` may call a folder so too.
    """
    if key.startswith((INCOMING, NAS)):
        return [key]
    for top in (PROCESSED, HELD):
        if key.startswith(top):
            rest = key.removeprefix(top)
            return [INCOMING + rest] + ([rest] if rest.startswith(NAS) else [])
    return [key]


def quarantined(location: Location) -> Location:
    """Where an input goes that can't succeed as it is."""
    return Location(QUARANTINE, f"{location.bucket}/{location.key}")


def beside(location: Location, etag: str) -> Location:
    """Where other content goes when the place is taken."""
    return Location(location.bucket, f"{location.key}~{etag}")


def frame_number(key: str) -> tuple[str, int]:
    """The SOP Instance UID and frame number in an image's key.

    Raises PermanentError if the key is none of an image.
    """
    parts = key.split("/")
    stem, dot, suffix = parts[-1].partition(".")
    if len(parts) != 5 or not (dot and suffix == "png" and stem.isascii() and stem.isdigit()):
        raise PermanentError(
            "The object's key is none of an image: <patient>/<study>/<series>/<instance>/<frame>.png.",
            "Only extract writes into image buckets; put files for it into raw/incoming/.",
        )
    return parts[3], int(stem)
