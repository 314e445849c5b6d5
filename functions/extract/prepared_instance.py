"""Prepares all outputs of an image file before any of them is written to a store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from common.errors import UNKNOWN, HoldError, PermanentError, Subject
from common.metadata_document import MetadataDocument
from common.settings import Settings
from common.store.object_key import ImagePath
from deidentification.identity import identity_of
from deidentification.pixels.burned_in_gate import NOT_RELEASED, Releases, burned_in_decision
from deidentification.pixels.device_rules import DeviceRule, load_device_rules
from deidentification.profile import Profile, load_profile
from deidentification.pseudonym import Pseudonyms
from deidentification.pseudonym_space import Space, former_keys
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_metadata import build_document
from functions.extract.output_space import Output, OutputSpace
from functions.extract.png_frames import PngFrame
from functions.extract.searched_frames import draw_and_search
from functions.extract.subject import device_of, subject_of
from imaging.frames.content_digest import ContentDigest
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
    former_keys: tuple[bytes, ...] = ()  # of earlier pseudonym spaces; patients erased there stay erased

    @property
    def key_check(self) -> str:
        """By which the database recognises the pseudonym key."""
        return Pseudonyms(self.pseudonym_key).key_check

    def checked(self, spaces: Sequence[Space]) -> "Rules":
        """The same rules with the keys of the database's earlier spaces only.

        Raises SettingsError if the database was made with another key.
        """
        return replace(self, former_keys=former_keys(spaces, self.pseudonym_key, self.former_keys))


def preparation_rules(settings: Settings) -> Rules:
    """The rules from the settings; SettingsError if the pseudonym key is missing."""
    return Rules(
        pseudonym_key=bytes.fromhex(settings.required("pseudonym_key")),
        limits=Limits(settings.max_pixels_per_frame, settings.max_frames),
        pictures=PictureRules(settings.png_bits == 16, settings.windows),
        profile=load_profile(settings.deidentification_profile),
        hold_burned_in_text=settings.burned_in_text == "hold",
        devices=load_device_rules(settings.blanking_rules),
        former_keys=tuple(bytes.fromhex(key.get_secret_value()) for key in settings.former_pseudonym_keys),
    )


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


@dataclass(frozen=True)
class InstancePreparer(Preparer):
    """Prepares files in this process."""

    rules: Rules

    def __call__(
        self, source: Path, folder: Path, *, heartbeat: Callable[[], None], releases: Releases = NOT_RELEASED
    ) -> PreparedInstance:
        pseudonyms = Pseudonyms(self.rules.pseudonym_key)
        try:
            return self._prepare(
                source, OutputSpace(folder), pseudonyms, releases=releases, heartbeat=heartbeat
            )
        except (PermanentError, HoldError, NoPictureError) as error:
            if error.subject == UNKNOWN:
                error.subject = subject_of(source, pseudonyms)
            error.subject = replace(error.subject, former_patients=self._former_patients(source))
            raise

    def _former_patients(self, source: Path) -> tuple[str, ...]:
        """The patient's pseudonyms of earlier keys, by the header of a file."""
        subjects = (subject_of(source, Pseudonyms(key)) for key in self.rules.former_keys)
        return tuple(subject.patient_id for subject in subjects if subject.patient_id)

    def _prepare(
        self,
        source: Path,
        space: OutputSpace,
        pseudonyms: Pseudonyms,
        *,
        releases: Releases,
        heartbeat: Callable[[], None],
    ) -> PreparedInstance:
        image_file = read_image_file(source, self.rules.limits)
        with reading_elements():
            identity = identity_of(image_file.ds)
            decision = burned_in_decision(
                image_file.ds,
                self.rules.devices,
                profile=self.rules.profile,
                is_gate_on=self.rules.hold_burned_in_text,
                releases=releases,
            )
        content = ContentDigest(image_file)
        image_file = replace(image_file, on_frame=content.add)
        # Every frame is decoded before the file may be held: a broken file is quarantined, not held.
        drawing = draw_and_search(
            image_file, decision, identity, space, rules=self.rules.pictures, heartbeat=heartbeat
        )
        decision, frames = drawing.decision, drawing.frames
        with reading_elements():
            instance = deidentify(drawing.image_file, pseudonyms, self.rules.profile, decision, identity)
            if decision.cause is not None:
                error = HoldError(decision.cause, decision.next_step, drawing.found)
                error.subject = Subject(instance.path.patient, device_of(instance.attributes))
                raise error
            rows, columns = frames[0].rows, frames[0].columns
            document = build_document(instance, rows=rows, columns=columns, key_id=pseudonyms.key_id)
            digest = pseudonyms.content(content.digest())
            dicom = space.write_dicom(instance.write, size=instance.pixels.size)
            former = self._former_patients(source)
            return PreparedInstance(digest, dicom, document, frames, former)
