"""One image: read it, judge it, record the verdict; a bad one leaves the training images."""

from contextlib import suppress
from dataclasses import dataclass

from common.errors import ObjectMissingError, PermanentError
from common.stage.item import Item, Outcome
from common.store.object_key import SUBOPTIMAL, Location, frame_number
from common.store.object_store import ObjectStore
from functions.quality.picture_hash import picture_hash
from functions.quality.verdict_rows import VerdictRows
from imaging.png.png_picture import decode_png
from model.judgement import Judge


@dataclass(frozen=True)
class ImageChecker:
    """The work of quality on its ports."""

    store: ObjectStore
    rows: VerdictRows
    judge: Judge
    max_pixels: int

    def __call__(self, item: Item) -> Outcome:
        """Judge one image; only good ones stay. A person's verdict stands above the model's."""
        location = item.version.location
        sop_instance_uid, frame = frame_number(location.key)
        state = self.rows.image_state(sop_instance_uid, frame, location)
        if state is None:
            raise PermanentError(
                "No image was allocated to this place.",
                "Only extract writes into image buckets; replay its instance if the image is one of its own.",
            )
        picture = decode_png(self.store.read(item.version), max_pixels=self.max_pixels)
        judgement = self.judge.judge(picture, modality=state.modality)
        verdict = state.overruled or judgement.verdict
        is_good = verdict == "good"
        if is_good and state.bucket == SUBOPTIMAL:
            self._drop_older(Location(SUBOPTIMAL, location.key))
        place = location if is_good else Location(SUBOPTIMAL, location.key)
        return Outcome(
            verdict,
            sop_instance_uid=sop_instance_uid,
            move_to=None if is_good else place,
            overwrite=True,
            database_call=self.rows.record(
                sop_instance_uid,
                frame,
                judgement,
                verdict=verdict,
                bucket=place.bucket,
                picture_hash=picture_hash(picture),
            ),
            details={"score": judgement.score, "bucket_now": place.bucket},
        )

    def _drop_older(self, location: Location) -> None:
        """A picture drawn again turned out good: its bad predecessor goes, or there would be two."""
        with suppress(ObjectMissingError):
            self.store.delete(self.store.stat(location))
