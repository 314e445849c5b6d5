"""One image: read it, judge it, record the verdict; a bad one leaves the training images."""

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.dicom.window import Picture, stretched
from common.errors import ObjectMissingError, PermanentError
from common.object_key import SUBOPTIMAL, Location, frame_number
from common.object_store import ObjectStore
from common.stage import Item, Outcome
from functions.quality.verdict_rows import Verdict, VerdictRows
from model.artefact import QualityModel
from model.features import FEATURE_NAMES, image_features

# Our own limit is asked before anything is decoded; Pillow's would refuse what ours allows.
Image.MAX_IMAGE_PIXELS = None
_NEXT = "Only extract writes into image buckets; replay its instance if the image is one of its own."


@dataclass(frozen=True)
class ImageChecker:
    """The work of quality on its ports."""

    store: ObjectStore
    rows: VerdictRows
    model: QualityModel
    black_mean: float
    max_pixels: int

    def __call__(self, item: Item) -> Outcome:
        """Judge one image; only good ones stay where they are."""
        location = item.version.location
        sop_instance_uid, frame = frame_number(location.key)
        bucket_now = self.rows.bucket_now(sop_instance_uid, frame, location)
        if bucket_now is None:
            raise PermanentError("No image was allocated to this place.", _NEXT)
        picture = decode_png(self.store.read(item.version), max_pixels=self.max_pixels)
        verdict = judge(picture, self.model, black_mean=self.black_mean)
        is_good = verdict.verdict == "good"
        if is_good and bucket_now == SUBOPTIMAL:
            self._drop_older(Location(SUBOPTIMAL, location.key))
        place = location if is_good else Location(SUBOPTIMAL, location.key)
        return Outcome(
            verdict.verdict,
            sop_instance_uid=sop_instance_uid,
            move_to=None if is_good else place,
            overwrite=True,
            record=lambda: self.rows.record(sop_instance_uid, frame, verdict, bucket=place.bucket),
            details={"score": verdict.score, "bucket_now": place.bucket},
        )

    def _drop_older(self, location: Location) -> None:
        """A picture drawn again turned out good: its bad predecessor goes, or there would be two."""
        with suppress(ObjectMissingError):
            self.store.delete(self.store.stat(location))


def decode_png(body: bytes, *, max_pixels: int) -> Picture:
    """PNG bytes as uint8 of shape (rows, columns) or (rows, columns, 3).

    Raises PermanentError for anything else, before more than `max_pixels` are decoded.
    """
    try:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as image:
            if image.width * image.height > max_pixels:
                raise PermanentError(
                    f"The image has {image.height} x {image.width} pixels, over "
                    f"DCM2SET_MAX_PIXELS_PER_FRAME ({max_pixels}).",
                    _NEXT,
                )
            if image.mode.startswith("I"):
                return _shown(np.asarray(image))
            grey_or_colour = image if image.mode in {"L", "RGB"} else image.convert("RGB")
            return np.asarray(grey_or_colour)
    except (OSError, SyntaxError, ValueError) as error:
        raise PermanentError(f"The object is no readable PNG ({type(error).__name__}).", _NEXT) from None


def _shown(values: NDArray[Any]) -> Picture:
    """Modality values of 16 bits as a person would look at them: all but 1 % of them from black to white."""
    low, high = np.percentile(values, (0.5, 99.5))
    return stretched(values, float(low), float(high))


def judge(picture: Picture, model: QualityModel, *, black_mean: float) -> Verdict:
    """The verdict on one picture: first whether it is black, then the model."""
    mean = float(picture.mean())
    if mean < black_mean:
        return Verdict("black", 1.0, model.threshold, mean, {}, model.version)
    features = image_features(picture)
    score = model.probability_bad(features)
    named = dict(zip(FEATURE_NAMES, map(float, features), strict=True))
    is_bad = score >= model.threshold
    return Verdict("low_quality" if is_bad else "good", score, model.threshold, mean, named, model.version)
