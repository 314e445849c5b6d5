"""The funnel: how many files and images there are, and why most of them are not in a set."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries

_SQL = queries(Path(__file__).with_suffix(".sql"))
_WITHOUT_METADATA, _NOT_JUDGED = "metadata not stored yet", "not judged yet"
_LOCALIZER, _NO_LABEL, _NOT_CHOSEN = "localizer", "without a label", "not what the condition asks for"

Row = Mapping[str, Any]
# A step and the cause for which it leaves out an image that is not selected; None: it does not.
Step = tuple[str, Callable[[Row], str | None]]


def read_funnel(
    connection: psycopg.Connection[Any],
    *,
    label_ids: Sequence[int] | None,
    asks_for_labels: bool,
    left_out: Iterable[str],
    labelled: int,
) -> dict[str, Any]:
    """Return the funnel of the images that this transaction has selected, ready for JSON.

    Parameters
    ----------
    label_ids : sequence of int, optional
        The labels of the set; None for all labels.
    asks_for_labels : bool
        Whether the selection has a condition on labels, so that images without one have that cause.
    left_out : iterable of str
        The cause of every selected image that the splits leave out.
    labelled : int
        The number of images of the set that have a label.
    """
    rows = connection.cursor(row_factory=dict_row)
    files = rows.execute(_SQL["files"]).fetchone()
    images = rows.execute(_SQL["images"], {"labels": label_ids and list(label_ids)}).fetchall()
    return {
        "files": _files(files or {}),
        "images": funnel_of_images(images, asks_for_labels=asks_for_labels, left_out=left_out),
        "labelled": labelled,
        "verdicts": _verdicts(images),
    }


def _files(balance: Mapping[str, int]) -> dict[str, Any]:
    """Return the files found, those left out by cause, and those of which images were drawn."""
    names = ("waiting", "skipped", "held", "quarantined", "erased", "duplicate", "difference")
    causes = {name: int(balance.get(f"files_{name}", 0)) for name in names}
    extracted = int(balance.get("files_extracted", 0)) - causes["duplicate"]
    unexplained = causes.pop("difference")
    left_out = causes | ({"not in the balance": unexplained} if unexplained else {})
    return {"found": int(balance.get("files_found", 0)), "left_out": left_out, "extracted": extracted}


def funnel_of_images(
    rows: Iterable[Row], *, asks_for_labels: bool, left_out: Iterable[str]
) -> dict[str, Any]:
    """Return the images found and what each step leaves out; every image is left out once, or is in the set.

    The selection may take images with another verdict, or localizers; these stay until the last step.
    """
    steps: list[Step] = [
        ("with metadata and a verdict", _cause_of_state),
        (
            "good, or chosen with another verdict",
            lambda row: None if row["verdict"] == "good" else row["verdict"],
        ),
        ("no localizer, or chosen as one", lambda row: _LOCALIZER if row["is_localizer"] else None),
    ]
    if asks_for_labels:
        steps.append(("labelled", lambda row: None if row["is_labelled"] else _NO_LABEL))
    steps.append(("what the condition asks for", lambda _: _NOT_CHOSEN))
    counts: list[Counter[str]] = [Counter() for _ in steps]
    found = 0
    for row in rows:
        found += row["images"]
        if not row["is_selected"]:
            number, cause = _first_cause(steps, row)
            counts[number][cause] += row["images"]
    remaining, result = found, []
    for (words, _), causes in [*zip(steps, counts, strict=True), (("in the set", None), Counter(left_out))]:
        remaining -= causes.total()
        result.append({"step": words, "left_out": dict(sorted(causes.items())), "images": remaining})
    return {"found": found, "steps": result}


def _first_cause(steps: Sequence[Step], row: Row) -> tuple[int, str]:
    """Return the first step that leaves out an image, and the cause; the last step leaves out all."""
    causes = ((number, cause_of(row)) for number, (_, cause_of) in enumerate(steps))
    return next((number, cause) for number, cause in causes if cause is not None)


def _cause_of_state(row: Row) -> str | None:
    if not row["is_stored"]:
        return _WITHOUT_METADATA
    return _NOT_JUDGED if row["verdict"] is None else None


def _verdicts(rows: Iterable[Row]) -> dict[str, dict[str, int]]:
    """Return the numbers of images by modality and verdict."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["verdict"] is not None:
            found[row["modality"]][row["verdict"]] += row["images"]
    return {modality: dict(sorted(counts.items())) for modality, counts in sorted(found.items())}
