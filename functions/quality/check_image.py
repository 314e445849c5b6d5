"""Judges one image, stores the verdict, and moves a bad image out of the training images."""

from contextlib import suppress
from dataclasses import dataclass

from common.errors import ObjectMissingError, PermanentError
from common.stage.item import Item, Outcome
from common.store.object_key import SUBOPTIMAL, Location, frame_number
from common.store.object_store import ObjectStore
from functions.quality.picture_hash import picture_hash
from functions.quality.verdict_rows import ImageVerdict, VerdictRows
from imaging.png.png_picture import decode_png
from model.judgement import Judge
from model.verdict import STAYING


@dataclass(frozen=True)
class ImageChecker:
    """The work of quality on its ports."""

    store: ObjectStore
    rows: VerdictRows
    judge: Judge
    max_pixels: int

    def __call__(self, item: Item) -> Outcome:
        """Judge one image; good ones and ones to review stay. A person's verdict overrules the model's."""
        allocated = item.version.location
        sop_instance_uid, frame = frame_number(allocated.key)
        version = self.judge.model.version
        image = self.rows.find_image(sop_instance_uid, frame, allocated, model_version=version)
        if image is None:
            raise PermanentError(
                "No image is allocated to this bucket and key.",
                "Only extract writes into image buckets; replay the item of extract if it wrote this image.",
            )
        picture = decode_png(self.store.read(item.version), max_pixels=self.max_pixels)
        judgement = self.judge.judge(picture, modality=image.modality, site=image.site)
        verdict = image.overruled or judgement.verdict
        stays = verdict in STAYING
        if stays and image.bucket == SUBOPTIMAL:
            self._delete_suboptimal(allocated.key)
        bucket = allocated.bucket if stays else SUBOPTIMAL
        return Outcome(
            verdict,
            sop_instance_uid=sop_instance_uid,
            move_to=None if stays else Location(SUBOPTIMAL, allocated.key),
            overwrite=True,
            database_call=self.rows.record(
                ImageVerdict(
                    sop_instance_uid, frame, judgement, verdict, bucket, picture_hash=picture_hash(picture)
                )
            ),
            details={"score": judgement.score, "bucket_now": bucket},
        )

    def _delete_suboptimal(self, key: str) -> None:
        """Delete the older, bad image of a frame that was drawn again and stays now."""
        with suppress(ObjectMissingError):
            self.store.delete(self.store.stat(Location(SUBOPTIMAL, key)))
