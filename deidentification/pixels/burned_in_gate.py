"""The gate for burned-in text: what a file says it is and what its pixels show decide whether it passes.

First the class rules say who must look (`class_rules`), a site's rule for the device and a person's
release have precedence. Then the text search looks at every frame as it would leave, and its finding
completes the decision (PS3.15 E.3.1, Clean Pixel Data). Nothing is written before that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom.dataset import Dataset

from common.errors import TextBox
from deidentification.pixels.class_rules import Action, class_rule_of
from deidentification.pixels.device_rules import DeviceRule, rule_for
from deidentification.pixels.releases import NOT_RELEASED, Releases
from deidentification.pixels.text_search.search import Finding, Scope, SearchResult
from deidentification.pixels.ultrasound_regions import UnusableRegionsError, blanking_outside_regions
from deidentification.profile import Profile
from imaging.frames.blanking import Blanking
from imaging.options import Rectangle

NEXT_STEP = (
    "Look at the picture. If it shows no name: dcm2set release --item <number> --why '<reason>'; "
    "if it does, add --blank LEFT,TOP,WIDTH,HEIGHT, or keep it out: "
    "dcm2set refuse --item <number> --why '<reason>'."
)
NEXT_STEP_AFTER_READING = (
    "Look again. If it shows no name, release it again; if it does, release it with --blank "
    "LEFT,TOP,WIDTH,HEIGHT, or write a blanking rule for its device."
)
_BITS = frozenset([8, 16, 32])
_LONGEST_ELEMENT = 2**32 - 2  # bytes
_LEAST_MARGIN = 8  # pixels around a found box that are blanked with it


@dataclass(frozen=True)
class BurnedInDecision:
    """The gate's decision on one file."""

    blanking: Blanking | None = None  # the part to make black
    cause: str | None = None  # why a person must look first; None: the file passes
    next_step: str = NEXT_STEP
    scope: Scope = Scope.ANY_TEXT  # which text the search looks for
    looked: str = ""  # who or what looked for text, for the DICOM header; empty: nobody
    is_cleaned: bool = False  # no text is left, by blanking or by a person's release
    is_suspected: bool = False  # text is common in such files, and the profile lets the search decide
    may_be_blanked: bool = False  # whether the patient's own words may be blanked


NOTHING_SUSPECTED = BurnedInDecision()  # passes unchanged


def burned_in_decision(
    ds: Dataset,
    rules: Sequence[DeviceRule],
    *,
    profile: Profile,
    is_gate_on: bool,
    releases: Releases = NOT_RELEASED,
) -> BurnedInDecision:
    """Decide by what a file says; `completed` adds what the text search found.

    A rule for the file's device and a person's release have precedence over the class rules. The
    search then looks only for the patient's own words, and after a second release for nothing.
    """
    can_be_blanked = _can_be_blanked(ds)
    if releases.blank and not can_be_blanked:
        return BurnedInDecision(cause="Its pixels can't be blanked in this form.", scope=Scope.NOTHING)
    outside = _outside(ds, releases.blank)
    if outside is not None:
        return BurnedInDecision(cause=outside, scope=Scope.NOTHING)
    rule = rule_for(ds, rules)
    if rule is not None and (can_be_blanked or not rule.blank):
        scope = Scope.NOTHING if releases.number > 1 or not is_gate_on else Scope.IDENTITY
        looked = "by a rule for the device"
        decision = BurnedInDecision(_blanking_of(rule), scope=scope, looked=looked, is_cleaned=True)
    elif is_gate_on:
        decision = _by_class(ds, profile, releases.number, can_be_blanked=can_be_blanked)
    else:
        is_released = releases.number > 0
        looked = "by a person" if is_released else ""
        decision = BurnedInDecision(scope=Scope.NOTHING, looked=looked, is_cleaned=is_released)
    blanking = _with_rectangles(decision.blanking, releases.blank, "blanked by a person")
    return replace(decision, blanking=blanking)


def _blanking_of(rule: DeviceRule) -> Blanking | None:
    """What a rule blanks; None if it has no rectangles, so that the pixels keep their encoding."""
    return Blanking(f"blanked by rule {rule.name}", rule.blank, is_outside=False) if rule.blank else None


def _by_class(ds: Dataset, profile: Profile, releases: int, *, can_be_blanked: bool) -> BurnedInDecision:
    """The decision by the file's class rule and its ultrasound regions, and by a person's releases."""
    kind = class_rule_of(ds)
    suspicion, blanking = kind.reason if kind.action is not Action.PASS else None, None
    is_readable = kind.action is not Action.HOLD and profile.suspected_text == "read"
    try:
        blanking = blanking_outside_regions(ds) if can_be_blanked else None
    except UnusableRegionsError as error:
        suspicion, is_readable = (f"{suspicion}, and {error}" if suspicion else str(error)), False
    if releases:
        scope = Scope.IDENTITY if releases == 1 else Scope.NOTHING
        return BurnedInDecision(blanking, scope=scope, looked="by a person", is_cleaned=True)
    return BurnedInDecision(
        blanking,
        None if is_readable or suspicion is None else f"Possible burned-in text: {suspicion}.",
        is_suspected=is_readable and suspicion is not None,
        may_be_blanked=can_be_blanked
        and profile.identifying_text == "blank"
        and (is_readable or suspicion is None),
    )


def completed(decision: BurnedInDecision, found: SearchResult) -> BurnedInDecision:
    """The decision with what the text search found in the pictures as they would leave."""
    if decision.cause is not None or decision.scope is Scope.NOTHING:
        return decision
    if found.finding is Finding.IDENTITY:
        cause = f"A word of {found.keyword} was read in the picture."
        next_step = NEXT_STEP if decision.scope is Scope.ANY_TEXT else NEXT_STEP_AFTER_READING
        return replace(decision, cause=cause, next_step=next_step)
    if decision.scope is Scope.IDENTITY:
        return decision
    if found.finding is Finding.TEXT:
        return replace(decision, cause="Text was read in the picture.")
    if found.finding is Finding.UNREAD:
        why = " that can't be read" if found.was_read else ", and no text reader is installed"
        return replace(decision, cause=f"The picture seems to show text{why}.")
    if found.was_read:
        return replace(decision, looked="by the text search", is_cleaned=decision.is_suspected)
    if decision.is_suspected:
        return replace(decision, cause="Possible burned-in text, and no text reader is installed.")
    return decision


def with_found_text_blanked(decision: BurnedInDecision, boxes: Sequence[TextBox]) -> BurnedInDecision:
    """The decision with the boxes of the patient's own words blanked, in every frame."""
    rectangles = tuple(_with_margin(box) for box in boxes)
    blanking = _with_rectangles(decision.blanking, rectangles, "blanked where the patient's words were read")
    return replace(decision, blanking=blanking, may_be_blanked=False)


def _with_margin(box: TextBox) -> Rectangle:
    """The rectangle to blank: the detector often misses a text's first or last letter."""
    along, across = max(_LEAST_MARGIN, min(box.width, box.height)), _LEAST_MARGIN
    beside, above = (along, across) if box.width >= box.height else (across, along)
    left, top = max(0, box.left - beside), max(0, box.top - above)
    return Rectangle(left, top, box.left + box.width + beside - left, box.top + box.height + above - top)


def _with_rectangles(
    blanking: Blanking | None, rectangles: tuple[Rectangle, ...], why: str
) -> Blanking | None:
    """A blanking with more rectangles."""
    if not rectangles:
        return blanking
    if blanking is None:
        return Blanking(why, rectangles, is_outside=False)
    return replace(blanking, description=f"{blanking.description}; {why}", also=blanking.also + rectangles)


def _outside(ds: Dataset, rectangles: Sequence[Rectangle]) -> str | None:
    """Why a person's rectangles can't be right: the first that lies outside the picture."""
    rows, columns = int(ds.Rows), int(ds.Columns)
    for at in rectangles:
        if at.left + at.width > columns or at.top + at.height > rows:
            name = f"{at.left},{at.top},{at.width},{at.height}"
            return f"The rectangle {name} to blank lies outside the picture of {columns} x {rows} pixels."
    return None


def _can_be_blanked(ds: Dataset) -> bool:
    """Whether the decoded frames can be written as one native pixel data element (PS3.5 A.4)."""
    allocated = ds.get("BitsAllocated")
    if allocated not in _BITS or "BitsStored" not in ds:
        return False
    pixels = int(ds.Rows) * int(ds.Columns) * int(ds.get("NumberOfFrames") or 1)
    fits = pixels * int(ds.SamplesPerPixel) * allocated // 8 <= _LONGEST_ELEMENT
    return fits and not str(ds.PhotometricInterpretation).startswith("YBR_PARTIAL")
