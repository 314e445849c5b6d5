"""Prepares all outputs of an image file before any of them is written to a store."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from common.errors import UNKNOWN, HoldError, NoPictureError, PermanentError, Subject
from deidentification.identity import identity_of
from deidentification.pixels.burned_in_gate import burned_in_decision
from deidentification.pixels.releases import NOT_RELEASED, Releases
from deidentification.pseudonym import Pseudonyms
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_metadata import build_document
from functions.extract.output_space import OutputSpace
from functions.extract.prepared_instance import PreparedInstance, Preparer, Rules
from functions.extract.searched_frames import draw_and_search
from functions.extract.subject import device_of, subject_of
from imaging.frames.content_digest import ContentDigest
from imaging.frames.image_checks import reading_elements
from imaging.frames.image_file import read_image_file


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
