"""Extracts one SOP instance: downloads, prepares, allocates and writes it, the metadata last."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common.errors import ConflictError, ErasedError, HoldError, NoPictureError, PermanentError, Subject
from common.metadata_document import ImageEntry
from common.process.work_folder import work_folder
from common.stage.item import Item, Outcome
from common.store.object_key import DEIDENTIFIED, INCOMING, METADATA, Location, processed
from common.store.object_store import ObjectStore, ObjectVersion
from deidentification.pixels.releases import Releases
from functions.extract.archive_file import refuse_archive
from functions.extract.image_allocation import Allocation, AllocationRequest, WithdrawnError
from functions.extract.output_space import read_output, upload_body
from functions.extract.prepared_instance import PngFrame, PreparedInstance, Preparer
from imaging.options import Rectangle

MEGABYTE = 1024 * 1024
_UPLOADS = 4  # of images at a time, of one instance
Uploaded = tuple[ImageEntry, ObjectVersion]


@dataclass(frozen=True)
class InstanceExtractor:
    """The work of extract on its ports."""

    store: ObjectStore
    allocation: Allocation
    prepare: Preparer
    max_megabytes: int = 2048  # of a raw object; a larger one is not downloaded

    def __call__(self, item: Item) -> Outcome:
        """Write all outputs of one raw object."""
        with tempfile.TemporaryDirectory(dir=work_folder()) as folder:
            return self._extract(item, Path(folder))

    def _extract(self, item: Item, folder: Path) -> Outcome:
        source = folder / "source.dcm"
        self._download(item.version, source)
        location = item.version.location
        target = processed(location) if location.key.startswith(INCOMING) else None
        try:
            refuse_archive(source)
            # Everything is prepared before anything is written: nothing of a refused file leaves raw.
            instance = self.prepare(source, folder, releases=releases_of(item), heartbeat=item.heartbeat)
        except (PermanentError, HoldError, NoPictureError) as error:
            if self.allocation.is_erased(error.subject):
                raise ErasedError from None
            if not isinstance(error, NoPictureError):
                raise
            return Outcome("skipped", cause=str(error), move_to=target, subject=error.subject)
        subject = Subject(instance.path.patient)
        try:
            allocated = self.allocation.allocate(allocation_request(instance, item.id))
        except ConflictError as error:
            error.subject = subject
            raise
        except WithdrawnError as error:
            return Outcome("withdrawn", cause=str(error), move_to=target, subject=subject)
        is_written = allocated.is_duplicate and allocated.is_completed
        announces: tuple[tuple[str, ObjectVersion], ...] = ()
        deidentified = None
        if not is_written:
            announces, deidentified = self._write(instance, allocated.locations, item)
        uid = instance.path.sop_instance_uid
        return Outcome(
            "duplicate" if allocated.is_duplicate else "extracted",
            sop_instance_uid=uid,
            move_to=target,
            database_call=self.allocation.complete(uid, deidentified),
            subject=subject,
            announces=announces,
            details={"sop_instance_uid": uid, "images": len(instance.frames)},
        )

    def _download(self, version: ObjectVersion, target: Path) -> None:
        if version.size > self.max_megabytes * MEGABYTE:
            raise PermanentError(
                f"The file has {version.size // MEGABYTE} MB, over DCM2SET_MAX_MEGABYTES_PER_FILE "
                f"({self.max_megabytes}).",
                "Raise the setting if the file is right, then replay it.",
            )
        self.store.download(version, target)

    def _write(
        self, instance: PreparedInstance, locations: Sequence[Location], item: Item
    ) -> tuple[tuple[tuple[str, ObjectVersion], ...], ObjectVersion]:
        """Write every output.

        Return the next functions, each with the object made for it, and the de-identified file.
        """

        def upload(frame: PngFrame, location: Location) -> Uploaded:
            item.heartbeat()
            body = read_output(frame.png)
            written = self.store.put(location, body, content_type="image/png")
            return image_entry(frame, location, body), written

        name = instance.path.instance
        dicom = Location(DEIDENTIFIED, f"{name}.dcm")
        # The store takes several objects at a time faster than one after the other.
        with _running(upload, instance.frames, locations) as uploads:
            body = upload_body(instance.dicom)
            deidentified = self.store.put(dicom, body, content_type="application/dicom")
            uploaded = [each.result() for each in uploads]
        # Last, because its event starts store_metadata: every object that the document names exists by then.
        document = self.store.put(
            Location(METADATA, f"{name}.json"),
            instance.document.with_images([entry for entry, _ in uploaded]).to_json(),
            content_type="application/json",
        )
        images = (("quality", written) for _, written in uploaded)
        return (("store_metadata", document), *images), deidentified


@contextmanager
def _running(
    upload: Callable[[PngFrame, Location], Uploaded], frames: Sequence[PngFrame], at: Sequence[Location]
) -> Iterator[list[Future[Uploaded]]]:
    """Upload the frames in other threads; none of them runs any longer after the block."""
    # Threads of this file's own: another file must not wait for a file with thousands of frames.
    with ThreadPoolExecutor(_UPLOADS, thread_name_prefix="upload") as threads:
        try:
            yield [threads.submit(upload, *each) for each in zip(frames, at, strict=False)]
        finally:
            threads.shutdown(cancel_futures=True)


def releases_of(item: Item) -> Releases:
    """What persons decided on the item's file."""
    return Releases(item.releases, tuple(Rectangle(*values) for values in item.blank))


def allocation_request(instance: PreparedInstance, item_id: int) -> AllocationRequest:
    """The request for the locations of an instance's images."""
    return AllocationRequest(
        instance.path,
        item_id=item_id,
        content_digest=instance.content_digest,
        number_of_frames=len(instance.frames),
        modality=instance.document.series.modality,
        is_localizer=instance.document.is_localizer,
        former_patients=instance.former_patients,
    )


def image_entry(frame: PngFrame, location: Location, body: bytes) -> ImageEntry:
    """The metadata document's entry for a frame whose PNG was written to this location."""
    return ImageEntry(
        frame=frame.number,
        key=location.key,
        rows=frame.rows,
        columns=frame.columns,
        samples=frame.samples,
        bits=frame.bits,
        recipe=frame.recipe,
        sha256=hashlib.sha256(body).hexdigest(),
    )
