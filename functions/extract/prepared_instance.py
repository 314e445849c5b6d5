"""Everything an image file becomes, before any of it is written to a store."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from common.deidentification.burned_in_gate import check_burned_in_text
from common.deidentification.profile import Profile, load_profile
from common.deidentification.pseudonym import Pseudonyms
from common.dicom.image_checks import Limits, reading_elements
from common.dicom.image_file import ImageFile, read_image_file
from common.dicom.picture import PictureRules
from common.metadata_document import MetadataDocument
from common.object_key import ImagePath
from common.settings import Settings
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_metadata import describe
from functions.extract.output_space import Kept, OutputSpace
from functions.extract.png_frames import PngFrame, draw_frames


@dataclass(frozen=True)
class Rules:
    """What the settings say of how files are prepared."""

    pseudonym_key: bytes  # 32 bytes
    limits: Limits
    pictures: PictureRules
    profile: Profile
    hold_burned_in_text: bool


def rules_of(settings: Settings) -> Rules:
    """The rules in the settings; SettingsError if the key is missing."""
    return Rules(
        pseudonym_key=bytes.fromhex(settings.required("pseudonym_key")),
        limits=Limits(settings.max_pixels_per_frame, settings.max_frames),
        pictures=PictureRules(settings.png_bits == 16, settings.windows),
        profile=load_profile(settings.deidentification_profile),
        hold_burned_in_text=settings.burned_in_text == "hold",
    )


@dataclass(frozen=True)
class PreparedInstance:
    """One SOP instance as it may leave raw."""

    content_digest: str  # keyed digest of the original file, hex
    dicom: Kept  # the de-identified file
    document: MetadataDocument  # without its images, which have no places yet
    frames: list[PngFrame]

    @property
    def path(self) -> ImagePath:
        """What the keys of everything made from the instance begin with."""
        return self.document.path


class Preparer(Protocol):
    """Prepares one file; `folder` takes what is too large for memory.

    Raises PermanentError, HoldError or NoPictureError.
    """

    def __call__(
        self, source: Path, folder: Path, *, released: bool, keep: Callable[[], None]
    ) -> PreparedInstance:
        """Prepare the file; `keep` is called now and then."""


@dataclass(frozen=True)
class InstancePreparer(Preparer):
    """Prepares files in this process."""

    rules: Rules

    def __call__(
        self, source: Path, folder: Path, *, released: bool, keep: Callable[[], None]
    ) -> PreparedInstance:
        image_file = read_image_file(source, self.rules.limits)
        # Every frame is decoded before the gate is asked: what is no good file is not held.
        space = OutputSpace(folder)
        frames = draw_frames(image_file, space, rules=self.rules.pictures, keep=keep)
        if self.rules.hold_burned_in_text and not released:
            check_burned_in_text(image_file.ds)
        return self._described(image_file, frames, space)

    def _described(
        self, image_file: ImageFile, frames: list[PngFrame], space: OutputSpace
    ) -> PreparedInstance:
        pseudonyms = Pseudonyms(self.rules.pseudonym_key)
        with reading_elements():
            instance = deidentify(image_file, pseudonyms, self.rules.profile)
            rows, columns = frames[0].rows, frames[0].columns
            document = describe(instance, rows=rows, columns=columns, key_id=pseudonyms.key_id)
            digest = pseudonyms.content(_sha256(image_file.path))
            dicom = space.write("deidentified.dcm", instance.write, size=image_file.pixels.available)
            return PreparedInstance(digest, dicom, document, frames)


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
