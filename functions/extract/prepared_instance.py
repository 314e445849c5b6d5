"""Everything an image file becomes, before any of it is written to a store."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from common.errors import UNKNOWN, HoldError, PermanentError, Subject
from common.metadata_document import MetadataDocument
from common.settings import Settings
from common.store.object_key import ImagePath
from deidentification.pixels.burned_in_gate import NEXT_STEP, NEXT_STEP_AFTER_READING, burned_in_decision
from deidentification.pixels.device_rules import DeviceRule, load_device_rules
from deidentification.pixels.pixel_data import size_of_pixel_data
from deidentification.pixels.read_text import can_read_text, identity_in_pictures
from deidentification.profile import Profile, load_profile
from deidentification.pseudonym import Pseudonyms
from functions.extract.deidentified_instance import DeidentifiedInstance, deidentify
from functions.extract.instance_metadata import describe
from functions.extract.output_space import Kept, OutputSpace
from functions.extract.png_frames import PngFrame, draw_frames
from functions.extract.subject import device_of, subject_of
from imaging.frames.image_checks import Limits, NoPictureError, reading_elements
from imaging.frames.image_file import read_image_file
from imaging.rendering.picture_recipe import PictureRules


@dataclass(frozen=True)
class Rules:
    """What the settings say of how files are prepared."""

    pseudonym_key: bytes  # 32 bytes
    limits: Limits
    pictures: PictureRules
    profile: Profile
    hold_burned_in_text: bool
    devices: tuple[DeviceRule, ...] = ()  # what is blanked in their pictures
    reads_released: bool = False  # whether text in released pictures is searched for the patient's words


def rules_of(settings: Settings) -> Rules:
    """The rules in the settings; SettingsError if the key is missing."""
    return Rules(
        pseudonym_key=bytes.fromhex(settings.required("pseudonym_key")),
        limits=Limits(settings.max_pixels_per_frame, settings.max_frames),
        pictures=PictureRules(settings.png_bits == 16, settings.windows),
        profile=load_profile(settings.deidentification_profile),
        hold_burned_in_text=settings.burned_in_text == "hold",
        devices=load_device_rules(settings.blanking_rules),
        reads_released=settings.read_released_pictures,
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
        self, source: Path, folder: Path, *, releases: int, heartbeat: Callable[[], None]
    ) -> PreparedInstance:
        """Prepare the file; `heartbeat` is called now and then."""


@dataclass(frozen=True)
class InstancePreparer(Preparer):
    """Prepares files in this process."""

    rules: Rules

    def __call__(
        self, source: Path, folder: Path, *, releases: int, heartbeat: Callable[[], None]
    ) -> PreparedInstance:
        pseudonyms = Pseudonyms(self.rules.pseudonym_key)
        try:
            return self._prepared(
                source, OutputSpace(folder), pseudonyms, releases=releases, heartbeat=heartbeat
            )
        except (PermanentError, HoldError, NoPictureError) as error:
            if error.subject == UNKNOWN:
                error.subject = subject_of(source, pseudonyms)
            raise

    def _prepared(
        self,
        source: Path,
        space: OutputSpace,
        pseudonyms: Pseudonyms,
        *,
        releases: int,
        heartbeat: Callable[[], None],
    ) -> PreparedInstance:
        image_file = read_image_file(source, self.rules.limits)
        with reading_elements():
            decision = burned_in_decision(
                image_file.ds,
                self.rules.devices,
                holds=self.rules.hold_burned_in_text,
                is_released=releases > 0,
            )
        image_file = replace(image_file, blanking=decision.blanking)
        # Every frame is decoded before anything is held: what is no good file is not.
        frames = draw_frames(image_file, space, rules=self.rules.pictures, heartbeat=heartbeat)
        with reading_elements():
            instance = deidentify(image_file, pseudonyms, self.rules.profile, decision)
            if decision.cause is not None:
                raise _held(decision.cause, NEXT_STEP, instance)
            if releases == 1 and self.rules.reads_released and can_read_text():
                _check_read_text(frames, instance)
            rows, columns = frames[0].rows, frames[0].columns
            document = describe(instance, rows=rows, columns=columns, key_id=pseudonyms.key_id)
            digest = pseudonyms.content(_sha256(image_file.path))
            dicom = space.write("deidentified.dcm", instance.write, size=size_of_pixel_data(image_file))
            return PreparedInstance(digest, dicom, document, frames)


def _check_read_text(frames: Sequence[PngFrame], instance: DeidentifiedInstance) -> None:
    """A second look at what a person let pass; their second word stands above it."""
    some = sorted({0, len(frames) // 2, len(frames) - 1})
    found = identity_in_pictures((frames[index].read() for index in some), instance.identity)
    if found is not None:
        raise _held(f"A word of {found} was read in the released picture.", NEXT_STEP_AFTER_READING, instance)


def _held(cause: str, next_step: str, instance: DeidentifiedInstance) -> HoldError:
    error = HoldError(cause, next_step)
    error.subject = Subject(instance.path.patient, device_of(instance.attributes))
    return error


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
