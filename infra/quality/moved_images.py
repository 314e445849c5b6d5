"""The images that move or whose review begins or ends when they are judged again, as text or JSON."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from common.store.object_key import SUBOPTIMAL
from model.judgement import Judge
from model.limits import Limits
from oversight.decisions.overruling import Change

_MOST_LISTED = 50


@dataclass(frozen=True)
class MovedImage:
    """What is shown of an image that moves, or that stays and begins or ends to wait for a person."""

    key: str
    modality: str | None
    bucket: str
    to: str
    verdict_before: str
    verdict: str
    score_before: float
    score: float
    reasons: tuple[str, ...]

    @property
    def is_moved(self) -> bool:
        return self.to != self.bucket


@dataclass(frozen=True)
class JudgedImages:
    """How many images were judged by which limits, and those of them that move or concern review."""

    number: int
    limits: Mapping[str | None, Limits]  # by modality of the judged images
    moved: list[MovedImage]

    def text(self, judge: Judge, *, is_applied: bool) -> str:
        """The number of images that change in each direction, and a list of them."""
        would = "" if is_applied else "would "
        moved = "moved" if is_applied else "move"
        lines = [f"Model {judge.model.version}: {self.number} image(s) judged.", *limits_lines(self.limits)]
        for words, images in (
            (f"{would}{moved} to suboptimal", [i for i in self.moved if i.is_moved and i.to == SUBOPTIMAL]),
            (
                f"{would}{moved} back to their bucket",
                [i for i in self.moved if i.is_moved and i.to != SUBOPTIMAL],
            ),
            (f"{would}wait for review where they are", self._staying("review")),
            (f"{would}no longer wait for review", self._staying("good")),
        ):
            lines += _lines(images, words)
        return "\n".join(lines)

    def _staying(self, verdict: str) -> list[MovedImage]:
        return [image for image in self.moved if not image.is_moved and image.verdict == verdict]


def judged_images(changes: Iterable[Change]) -> JudgedImages:
    """Count the judged images, and keep those that move or whose review begins or ends."""
    number, limits, moved = 0, dict[str | None, Limits](), []
    for change in changes:
        number += 1
        if change.limits:
            limits[change.image.modality] = change.limits
        if change.moves or change.concerns_review:
            moved.append(_moved_image(change))
    return JudgedImages(number, limits, moved)


def limits_lines(limits: Mapping[str | None, Limits]) -> list[str]:
    """One line for all modalities with the same limits."""
    modalities: dict[Limits, list[str]] = {}
    for modality, each in limits.items():
        modalities.setdefault(each, []).append(modality or "?")
    return [f"{', '.join(sorted(names))}: {limits_text(each)}" for each, names in modalities.items()]


def limits_text(limits: Limits) -> str:
    """Both limits in words; one that no score reaches rejects nothing."""
    rejected = (
        f"rejected from {limits.reject_from:.3g}" if limits.reject_from <= 1 else "none rejected by its score"
    )
    return f"in review from {limits.review_from:.3g}, {rejected}"


def _moved_image(change: Change) -> MovedImage:
    image, judgement = change.image, change.judgement
    return MovedImage(
        key=image.key,
        modality=image.modality,
        bucket=image.bucket,
        to=change.bucket,
        verdict_before=image.verdict,
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
