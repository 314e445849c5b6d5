"""One SOP instance: fetched, prepared, placed, written; the metadata last."""

import hashlib
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from common.errors import ErasedError, HoldError, PermanentError, Subject
from common.metadata_document import ImageEntry
from common.stage.item import Item, Outcome
from common.store.object_key import DEIDENTIFIED, INCOMING, METADATA, Location, processed
from common.store.object_store import ObjectStore, ObjectVersion
from functions.extract.image_allocation import Allocation
from functions.extract.output_space import read_kept, to_upload
from functions.extract.png_frames import PngFrame
from functions.extract.prepared_instance import PreparedInstance, Preparer
from imaging.frames.image_checks import NoPictureError

MEGABYTE = 1024 * 1024
_UPLOADS = 4  # at a time, of one instance


@dataclass(frozen=True)
class InstanceExtractor:
    """The work of extract on its ports."""

    store: ObjectStore
    allocation: Allocation
    prepare: Preparer
    max_megabytes: int = 2048  # of a raw object; a larger one is not fetched

    def __call__(self, item: Item) -> Outcome:
        """Write everything that one raw object becomes."""
        with tempfile.TemporaryDirectory(prefix="dcm2set-") as folder:
            return self._extract(item, Path(folder))

    def _extract(self, item: Item, folder: Path) -> Outcome:
        if item.version.size > self.max_megabytes * MEGABYTE:
            raise PermanentError(
                f"The file has {item.version.size // MEGABYTE} MB, over DCM2SET_MAX_MEGABYTES_PER_FILE "
                f"({self.max_megabytes}).",
                "Raise the setting if the file is right, then replay it.",
            )
        source = folder / "source.dcm"
        self.store.download(item.version, source)
        location = item.version.location
        target = processed(location) if location.key.startswith(INCOMING) else None
        try:
            # Nothing is written before all is prepared: of a refused file nothing leaves raw.
            instance = self.prepare(source, folder, releases=item.releases, heartbeat=item.heartbeat)
        except (PermanentError, HoldError, NoPictureError) as error:
            if self.allocation.is_erased(error.subject.patient_id):
                raise ErasedError from None
            if not isinstance(error, NoPictureError):
                raise
            return Outcome("skipped", cause=str(error), move_to=target, subject=error.subject)
        places = self.allocation.allocate(
            instance.path,
            item_id=item.id,
            content_digest=instance.content_digest,
            number_of_frames=len(instance.frames),
            modality=instance.document.series.modality,
            is_localizer=instance.document.is_localizer,
        )
        is_written = places.is_duplicate and places.is_completed
        made = () if is_written else self._write(instance, places.images, item)
        uid = instance.path.sop_instance_uid
        return Outcome(
            "duplicate" if places.is_duplicate else "extracted",
            sop_instance_uid=uid,
            move_to=target,
            database_call=self.allocation.complete(uid),
            subject=Subject(instance.path.patient),
            announces=made,
            details={"sop_instance_uid": uid, "images": len(instance.frames)},
        )

    def _write(
        self, instance: PreparedInstance, images: Sequence[Location], item: Item
    ) -> tuple[tuple[str, ObjectVersion], ...]:
        """Every output; the functions that come next, and what was made for them."""

        def upload(frame: PngFrame, location: Location) -> tuple[ImageEntry, ObjectVersion]:
            item.heartbeat()
            body = read_kept(frame.kept)
            written = self.store.put(location, body, content_type="image/png")
            return image_entry(frame, location, body), written

        if len(images) == 1:
            uploaded = [upload(instance.frames[0], images[0])]
        else:
            # The store takes several small objects at a time better than one after the other.
            with ThreadPoolExecutor(_UPLOADS, thread_name_prefix="upload") as uploads:
                uploaded = list(uploads.map(upload, instance.frames, images))
        name = instance.path.instance
        self.store.put(
            Location(DEIDENTIFIED, f"{name}.dcm"), to_upload(instance.dicom), content_type="application/dicom"
        )
        # Last, because its event starts store_metadata: by then all it speaks of is there.
        document = self.store.put(
            Location(METADATA, f"{name}.json"),
            instance.document.with_images([entry for entry, _ in uploaded]).to_json(),
            content_type="application/json",
        )
        return ("store_metadata", document), *(("quality", written) for _, written in uploaded)


def image_entry(frame: PngFrame, location: Location, body: bytes) -> ImageEntry:
    """What the metadata document says of a frame whose PNG was written to that place."""
    return ImageEntry(
        frame=frame.number,
        bucket=location.bucket,
        key=location.key,
        rows=frame.rows,
        columns=frame.columns,
        samples=frame.samples,
        bits=frame.bits,
        recipe=frame.recipe,
        sha256=hashlib.sha256(body).hexdigest(),
    )
