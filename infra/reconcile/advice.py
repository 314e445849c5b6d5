"""How each finding is mended: redraw, restore from a backup, or forget."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.database import Database, queries
from common.reconcile.difference import DAMAGED, HIDDEN, NAMING_BUCKETS, ROW, SURPLUS, Difference, Finding
from common.store.object_key import QUARANTINE, RAW

_SQL = queries(Path(__file__).with_suffix(".sql"))
_DRAWN = ("image", "metadata", "deidentified")  # what extract writes again
_ROWS = {
    "allocation": "an image has no location (image_allocation)",
    "document item": "the metadata document has no item (ledger_item)",
    "image item": "the image has no item of quality (ledger_item)",
    "instance": "the instance has no row (instance)",
    "image": "the image has no row (image)",
    "verdict": "the image has no verdict (verdict)",
    "extraction": "the item is done, but its instance has no row (extraction)",
    "import": "the label file is imported, but has no row (label_import)",
    "file item": "the file is copied, but has no item (ledger_item)",
    "instance without extraction": "the instance has a row (instance), but was never extracted (extraction)",
}


@dataclass(frozen=True)
class Advice:
    """How one finding is mended."""

    mend: str  # redraw, restore, forget
    command: str
    replayed_item: int | None = None  # the item that a redraw replays


@dataclass(frozen=True)
class Advised:
    """A finding with its advice, as far as it may be shown."""

    finding: Finding
    advice: tuple[Advice, ...]  # the first one is the best

    @property
    def sentence(self) -> str:
        """What was found."""
        found = self.finding.difference
        if found.kind == ROW:
            return f"{found.where}: {_ROWS[found.what]}"
        what = found.what.replace("_", " ")
        words = {
            SURPLUS: "is in the store, but no row knows it",
            HIDDEN: "is in the store, but no listing shows it: another object has the name of its folder",
            DAMAGED: "is damaged on the store's disk",
        }
        state = words.get(found.kind, f"is {found.kind}")
        detail = f" ({found.detail})" if found.detail else ""
        return f"{what} {found.where} {state}{detail}"

    def as_json(self) -> dict[str, Any]:
        """The finding without keys that may name a patient."""
        found = self.finding.difference
        return {
            "number": self.finding.id,
            "kind": found.kind,
            "what": found.what,
            "where": found.where,
            "item": found.item_id,
            "file": found.file_id,
            "sop_instance_uid": found.sop_instance_uid,
            "frame": found.frame,
            "detail": found.detail,
            "text": self.sentence,
            "mend": [{"how": each.mend, "command": each.command} for each in self.advice],
        }


def advised(database: Database, findings: Iterable[Finding]) -> list[Advised]:
    """Each finding with its advice."""
    findings = list(findings)
    uids = {f.difference.sop_instance_uid or _uid(f.difference) for f in findings}
    rows = database.all(_SQL["extract_items"], uids=sorted(uid for uid in uids if uid))
    items = {row["sop_instance_uid"]: row["item_id"] for row in rows}
    lost = {f.difference.item_id for f in findings if f.difference.what == "original"}
    return [Advised(f, tuple(_advice(f, items, lost))) for f in findings]


def _uid(found: Difference) -> str | None:
    parts = found.key.split("/")
    is_drawn = not found.bucket.startswith(NAMING_BUCKETS) and len(parts) >= 4
    return parts[3].removesuffix(".dcm").removesuffix(".json") if is_drawn else None


def _advice(finding: Finding, items: Mapping[str, int], lost: set[int | None]) -> Iterable[Advice]:
    found = finding.difference
    extract_item = items.get(found.sop_instance_uid or _uid(found) or "")
    replayed = _replayed(found, extract_item)
    forget = Advice("forget", f"dcm2set reconcile --forget {finding.id} --why TEXT")
    if replayed is not None and extract_item not in lost:
        # A damaged object must be deleted before another can be written in its place.
        own = f"dcm2set reconcile --redraw {finding.id}"
        command = own if found.kind == DAMAGED else f"dcm2set replay --item {replayed}"
        yield Advice("redraw", command, replayed)
    if found.what == "file item" or (found.kind == SURPLUS and is_original(found)):
        yield Advice("redraw", f"dcm2set reconcile --redraw {finding.id}")
    if found.kind not in {ROW, SURPLUS, HIDDEN}:
        yield Advice("restore", "dcm2set reconcile --restore BACKUP")
    yield forget


def _replayed(found: Difference, extract_item: int | None) -> int | None:
    """The item whose replay writes the object or the row again."""
    if found.kind == ROW:
        return found.item_id
    if found.what in _DRAWN and found.kind not in {SURPLUS, HIDDEN}:
        return extract_item
    return None


def is_original(found: Difference) -> bool:
    """Whether an object without a row may be a file from which images are made."""
    return found.bucket == RAW or (found.bucket == QUARANTINE and found.key.startswith(f"{RAW}/"))
