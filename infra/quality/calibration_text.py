"""Calibrations and samples as text for a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

from infra.quality.calibration import Calibration
from infra.quality.conformal import FEWEST_PATIENTS, Rates
from infra.quality.moved_images import limits_text

_CAREFUL = (
    "Pictures that persons decided about because they were in review are the hard ones.\n"
    "Limits from them are careful: fewer good pictures than stated are rejected, and fewer bad ones are "
    "caught.\n"
    "For an unbiased base, decide about a random sample first: dcm2set quality sample --modality CODE -n 200"
)


def calibration_text(found: Sequence[Calibration], rates: Rates, *, is_stored: bool) -> str:
    """What each modality's decided pictures give, and in words what the limits guarantee."""
    if not found:
        return "No person has decided about any picture yet; begin with dcm2set quality sample."
    lines = [line for each in found for line in _lines(each, rates)]
    if any(each.limits for each in found):
        lines += ["", _CAREFUL]
        lines.append(
            "Stored: they are valid for new images at once; dcm2set quality apply judges the others by them."
            if is_stored
            else "Nothing was stored: --apply --why '…' stores the limits."
        )
    return "\n".join(lines)


def sample_text(images: Sequence[dict[str, Any]]) -> str:
    """The pictures that a person should decide about, and how many are decided already."""
    decided = sum(image["is_decided"] for image in images)
    lines = [f"{len(images)} picture(s), one for each patient; {decided} of them decided already."]
    lines += [
        f"{image['verdict']:<11} {image['score']:.2f}  {image['key']}"
        for image in images
        if not image["is_decided"]
    ]
    if decided < len(images):
        lines.append("Look at each of them, also at the good ones, and decide with:")
        lines.append("    dcm2set quality set KEY good|low_quality --why 'Random sample.'")
    return "\n".join(lines)


def _lines(found: Calibration, rates: Rates) -> Iterator[str]:
    yield (
        f"{found.modality}: {found.pictures} decided picture(s) of {found.patients} patient(s); "
        f"{found.good_patients} score(s) count, of one good picture for each patient."
    )
    if found.of_other_models:
        yield (
            f"    {found.of_other_models} more have the score of another model; "
            "dcm2set quality apply judges them again."
        )
    yield f"    Now: {limits_text(found.limits_now)}."
    if found.limits is None:
        yield (
            f"    Too few: {found.missing_patients} more patient(s) with decided pictures are needed, "
            f"{FEWEST_PATIENTS} in all and {rates.fewest_for_review} with good ones."
        )
        return
    yield f"    Calibrated: {limits_text(found.limits)}."
    yield from _guarantee(found, rates)
    if not found.changes:
        yield "    No image would get another verdict."
    for change in found.changes:
        yield f"    {change['images']} image(s) would change from {change['before']} to {change['after']}."


def _guarantee(found: Calibration, rates: Rates) -> Iterator[str]:
    together = 100 * (rates.rejected + rates.in_review)
    if found.rejects:
        yield (
            f"    Of good pictures of new patients at most {100 * rates.rejected:g} % are rejected, "
            f"and at most {together:g} % are rejected or in review,"
        )
    else:
        yield (
            f"    Of good pictures of new patients at most {together:g} % are in review; none is rejected by "
            f"its score (that needs {rates.fewest_for_rejection} patients with good pictures),"
        )
    yield "    on average over such calibrations, if new pictures come from the same devices and patients."
