"""What is prepared of one file, and by which rules: values alone.

The function's own process reads no file, so it loads no library for that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from common.metadata_document import MetadataDocument
from common.store.object_key import ImagePath
from deidentification.pixels.device_rules import DeviceRule
from deidentification.pixels.releases import NOT_RELEASED, Releases
from deidentification.profile import Profile
from deidentification.pseudonym import Pseudonyms
from functions.extract.output_space import Output, read_output
from imaging.options import Limits, PictureRules


@dataclass(frozen=True)
class Rules:
    """How files are prepared, from the settings."""

    pseudonym_key: bytes  # 32 bytes
    limits: Limits
    pictures: PictureRules
    profile: Profile
    hold_burned_in_text: bool
    devices: tuple[DeviceRule, ...] = ()  # the rectangles to blank, by device
    former_keys: tuple[bytes, ...] = ()  # of earlier pseudonym spaces; patients erased there stay erased

    @property
    def key_check(self) -> str:
        """By which the database recognises the pseudonym key."""
        return Pseudonyms(self.pseudonym_key).key_check


@dataclass(frozen=True)
class PngFrame:
    """The PNG of one frame."""

    number: int  # from 1, as DICOM counts frames
    png: Output
    rows: int
    columns: int
    samples: int  # 1 grey, 3 RGB
    bits: int  # of each sample, 8 or 16
    recipe: str  # how it was drawn, in words

    def read(self) -> bytes:
        """The bytes of the PNG."""
        return read_output(self.png)


@dataclass(frozen=True)
class PreparedInstance:
    """The outputs of one SOP instance, ready to leave raw."""

    content_digest: str  # keyed digest of the original's attributes and pixels, hex
    dicom: Output  # the de-identified file
    document: MetadataDocument  # without its images, which are not allocated yet
    frames: list[PngFrame]
    former_patients: tuple[str, ...] = ()  # the patient's pseudonyms of earlier keys

    @property
    def path(self) -> ImagePath:
        """The identifiers that the keys of all outputs of the instance begin with."""
        return self.document.path


class Preparer(Protocol):
    """Prepares one file; outputs too large for memory are written to `folder`.

    Raises PermanentError, HoldError or NoPictureError.
    """

    def __call__(
        self, source: Path, folder: Path, *, heartbeat: Callable[[], None], releases: Releases = NOT_RELEASED
    ) -> PreparedInstance:
        """Prepare the file; `heartbeat` is called regularly meanwhile."""
