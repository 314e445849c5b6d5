"""Prepares all outputs of an image file before any of them is written to a store."""

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
from deidentification.pixels.pixel_data import approximate_pixel_data_size
from deidentification.pixels.read_text import can_read_text, identity_in_pictures
from deidentification.profile import Profile, load_profile
from deidentification.pseudonym import Pseudonyms
from functions.extract.deidentified_instance import DeidentifiedInstance, deidentify
from functions.extract.instance_metadata import build_document
from functions.extract.output_space import Output, OutputSpace
from functions.extract.png_frames import PngFrame, draw_frames
from functions.extract.subject import device_of, subject_of
from imaging.frames.image_checks import Limits, NoPictureError, reading_elements
from imaging.frames.image_file import read_image_file
from imaging.rendering.picture_recipe import PictureRules


@dataclass(frozen=True)
class Rules:
    """How files are prepared, from the settings."""

    pseudonym_key: bytes  # 32 bytes
    limits: Limits
    pictures: PictureRules
    profile: Profile
    hold_burned_in_text: bool
    devices: tuple[DeviceRule, ...] = ()  # the rectangles to blank, by device
    reads_released: bool = False  # whether released pictures are searched for the patient's name and ids


def preparation_rules(settings: Settings) -> Rules:
    """The rules from the settings; SettingsError if the pseudonym key is missing."""
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
    """The outputs of one SOP instance, ready to leave raw."""

    content_digest: str  # keyed digest of the original file, hex
    dicom: Output  # the de-identified file
    document: MetadataDocument  # without its images, which are not allocated yet
    frames: list[PngFrame]

    @property
    def path(self) -> ImagePath:
        """The identifiers that the keys of all outputs of the instance begin with."""
        return self.document.path


class Preparer(Protocol):
    """Prepares one file; outputs too large for memory are written to `folder`.

    Raises PermanentError, HoldError or NoPictureError.
    """

    def __call__(
        self, source: Path, folder: Path, *, releases: int, heartbeat: Callable[[], None]
    ) -> PreparedInstance:
        """Prepare the file; `heartbeat` is called regularly meanwhile."""


@dataclass(frozen=True)
class InstancePreparer(Preparer):
    """Prepares files in this process."""

    rules: Rules

    def __call__(
        self, source: Path, folder: Path, *, releases: int, heartbeat: Callable[[], None]
    ) -> PreparedInstance:
        pseudonyms = Pseudonyms(self.rules.pseudonym_key)
        try:
            return self._prepare(
                source, OutputSpace(folder), pseudonyms, releases=releases, heartbeat=heartbeat
            )
        except (PermanentError, HoldError, NoPictureError) as error:
            if error.subject == UNKNOWN:
                error.subject = subject_of(source, pseudonyms)
            raise

    def _prepare(
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
                hold_burned_in_text=self.rules.hold_burned_in_text,
                is_released=releases > 0,
            )
        image_file = replace(image_file, blanking=decision.blanking)
        # Every frame is decoded before the file may be held: a broken file is quarantined, not held.
        frames = draw_frames(image_file, space, rules=self.rules.pictures, heartbeat=heartbeat)
        with reading_elements():
            instance = deidentify(image_file, pseudonyms, self.rules.profile, decision)
            if decision.cause is not None:
                raise _held(decision.cause, NEXT_STEP, instance)
            if releases == 1 and self.rules.reads_released and can_read_text():
                _check_read_text(frames, instance)
            rows, columns = frames[0].rows, frames[0].columns
            document = build_document(instance, rows=rows, columns=columns, key_id=pseudonyms.key_id)
            digest = pseudonyms.content(_sha256(image_file.path))
            dicom = space.write(
                "deidentified.dcm", instance.write, size=approximate_pixel_data_size(image_file)
            )
            return PreparedInstance(digest, dicom, document, frames)


def _check_read_text(frames: Sequence[PngFrame], instance: DeidentifiedInstance) -> None:
    """Hold an instance again if its released pictures show the patient's name or ids.

    Only after the first release: a second release by a person takes precedence.
    """
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
