"""The images that move because they are judged again, for a terminal or as JSON."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from infra.quality.quality_review import Change
from model.judgement import Judge

_MOST_LISTED = 50


@dataclass(frozen=True)
class MovedImage:
    """What is shown of an image that moves."""

    key: str
    modality: str | None
    bucket: str
    to: str
    verdict: str
    score_before: float
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class JudgedImages:
    """How many images were judged, and those of them that move."""

    number: int
    moved: list[MovedImage]

    def text(self, verb: str, judge: Judge) -> str:
        """The number of images that move in each direction, and a list of them."""
        lines = [
            f"Model {judge.model.version}, threshold {judge.threshold:g}: {self.number} image(s) judged."
        ]
        for is_good, words in ((False, f"{verb} to suboptimal"), (True, f"{verb} back to their bucket")):
            lines += _lines([image for image in self.moved if (image.verdict == "good") is is_good], words)
        return "\n".join(lines)


def judged_images(changes: Iterable[Change]) -> JudgedImages:
    """Count the judged images, and keep those that move."""
    number, moved = 0, []
    for change in changes:
        number += 1
        if change.moves:
            moved.append(_moved_image(change))
    return JudgedImages(number, moved)


def _moved_image(change: Change) -> MovedImage:
    image, judgement = change.image, change.judgement
    return MovedImage(
        key=image.key,
        modality=image.modality,
        bucket=image.bucket,
        to=change.bucket,
        verdict=change.verdict,
        score_before=image.score,
        score=judgement.score if judgement else image.score,
        reasons=judgement.reasons if judgement else (),
    )


def _lines(images: Sequence[MovedImage], words: str) -> list[str]:
    by_modality = Counter(image.modality or "?" for image in images)
    counts = ", ".join(f"{modality} {number}" for modality, number in sorted(by_modality.items()))
    lines = [f"{len(images)} {words}" + (f" ({counts})" if counts else "")]
    lines += map(_line, images[:_MOST_LISTED])
    if len(images) > _MOST_LISTED:
        lines.append(f"    and {len(images) - _MOST_LISTED} more; --json prints all")
    return lines


def _line(image: MovedImage) -> str:
    reasons = ", ".join(image.reasons)
    return f"    {image.key}: {image.score_before:.2f} to {image.score:.2f} {reasons}".rstrip()
