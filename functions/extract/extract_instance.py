"""One SOP instance: read, gate, pseudonymise, draw, write; the metadata last."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common.deidentification.burned_in_gate import check_burned_in_text
from common.deidentification.pseudonym import Pseudonyms
from common.dicom.image_file import ImageFile, Limits, NoPictureError, read_image_file
from common.errors import PermanentError, PipelineError
from common.metadata_document import ImageEntry, MetadataDocument
from common.object_key import DEIDENTIFIED, INCOMING, METADATA, Location, processed
from common.object_store import ObjectStore
from common.stage import Item, Outcome
from functions.extract.deidentified_instance import DeidentifiedInstance, deidentify
from functions.extract.image_allocation import Allocation
from functions.extract.instance_metadata import describe
from functions.extract.png_frames import PngFrame, draw_frames


@dataclass(frozen=True)
class _Outputs:
    """What an instance becomes, besides its pictures."""

    instance: DeidentifiedInstance
    dicom: bytes  # the de-identified file
    document: MetadataDocument  # without its images yet


@dataclass(frozen=True)
class InstanceExtractor:
    """The work of extract on its ports."""

    store: ObjectStore
    allocation: Allocation
    pseudonyms: Pseudonyms
    limits: Limits
    hold_burned_in_text: bool

    def __call__(self, item: Item) -> Outcome:
        """Write everything that one raw object becomes."""
        with tempfile.TemporaryDirectory(prefix="dcm2set-") as folder:
            return self._extract(item, Path(folder))

    def _extract(self, item: Item, folder: Path) -> Outcome:
        source = folder / "source.dcm"
        self.store.download(item.version, source)
        target = processed(item.version.location)
        try:
            image_file = read_image_file(source, self.limits)
        except NoPictureError as error:
            return Outcome("skipped", cause=str(error), move_to=target)
        # Every frame is decoded before anything is written: of a refused file nothing leaves raw.
        frames = draw_frames(image_file, folder, keep=item.keep)
        if self.hold_burned_in_text and not item.released:
            check_burned_in_text(image_file.ds)
        outputs = self._prepared(image_file, frames[0])
        instance = outputs.instance
        places = self.allocation.allocate(
            instance.path,
            item_id=item.id,
            content_digest=self.pseudonyms.content(_sha256(source)),
            number_of_frames=len(frames),
        )
        if not (places.is_duplicate and places.is_completed):
            self._write(outputs, frames, places.images, item)
        uid = instance.path.sop_instance_uid
        return Outcome(
            "duplicate" if places.is_duplicate else "extracted",
            sop_instance_uid=uid,
            move_to=target,
            record=lambda: self.allocation.complete(uid),
            details={"sop_instance_uid": uid, "images": len(frames)},
        )

    def _prepared(self, image_file: ImageFile, frame: PngFrame) -> _Outputs:
        """Everything but the pictures, before anything is written: what fails, fails here."""
        try:
            instance = deidentify(image_file, self.pseudonyms)
            key_id = self.pseudonyms.key_id
            document = describe(instance, rows=frame.rows, columns=frame.columns, key_id=key_id)
            return _Outputs(instance, instance.to_bytes(), document)
        except (PipelineError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 whatever pydicom raises; its text quotes values
            raise PermanentError(
                f"The file's elements can't be read ({type(error).__name__}); it is damaged."
            ) from None

    def _write(
        self,
        outputs: _Outputs,
        frames: list[PngFrame],
        images: tuple[Location, ...],
        item: Item,
    ) -> None:
        entries = []
        for frame, location in zip(frames, images, strict=True):
            item.keep()
            self.store.put(location, frame.read(), content_type="image/png")
            entries.append(_entry(frame, location))
        name = outputs.instance.path.instance
        self.store.put(Location(DEIDENTIFIED, f"{name}.dcm"), outputs.dicom, content_type="application/dicom")
        # Last, because its event starts store_metadata: by then all it speaks of is there.
        self.store.put(
            Location(METADATA, f"{INCOMING}{name}.json"),
            outputs.document.with_images(entries).to_json(),
            content_type="application/json",
        )


def _entry(frame: PngFrame, location: Location) -> ImageEntry:
    return ImageEntry(
        frame=frame.number,
        bucket=location.bucket,
        key=location.key,
        rows=frame.rows,
        columns=frame.columns,
        samples=frame.samples,
        sha256=frame.sha256,
    )


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
