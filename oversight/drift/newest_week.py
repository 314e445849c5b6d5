"""Whether the newest week of a modality or device differs from the training or from the weeks before."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries
from common.errors import SettingsError
from common.settings import load_settings
from model.card import DEFAULT_MODEL, card_path
from oversight.drift.week_statistics import (
    bins_distance,
    critical_distance,
    deciles_distance,
    share_interval,
)

_SQL = queries(Path(__file__).with_suffix(".sql"))
FEWEST_PATIENTS = 20
"""Of a week with fewer patients nothing is said."""
_LEAST_SHARE = 0.05  # a smaller difference of shares matters to nobody
_LEAST_DISTANCE = 0.2
_VERDICTS = ("good", "review", "black", "low_quality")
_MOST_FEATURES = 5

Reference = Mapping[str, Mapping[str, Any]]
"""By modality of training: the number of `patients`, the nine `score_deciles`, and `features`, with the
percentiles 1 and 99 by name."""
_FEWEST_OF_TRAINING = 5  # patients; the features of fewer have no usual range


@dataclass(frozen=True)
class Drift:
    """The newest week of one modality, or of one device of it, beside what it is compared with."""

    modality: str
    device: str | None  # None: all devices
    week: str
    images: int
    patients: int
    rejected: float  # share of low_quality and black images
    in_review: float
    rejected_before: float | None  # of the weeks before; None: too few patients
    in_review_before: float | None
    score_distance: float | None  # greatest difference of the cumulative distributions
    scores_compared_with: str  # training, weeks before, or nothing
    features_outside: tuple[str, ...]  # whose median lies outside the usual range
    findings: tuple[str, ...]  # in words; none: nothing differs

    @property
    def text(self) -> str:
        """What differs, in one line."""
        name = f"{self.modality or '?'} of {self.device}" if self.device else f"{self.modality or '?'}"
        return f"{name}, week of {self.week}: {'; '.join(self.findings)}"


def read_drift(connection: psycopg.Connection[Any]) -> list[Drift]:
    """The newest week of each modality and device by the model of the settings; differing ones first."""
    card = card_path(load_settings().model_path or DEFAULT_MODEL)
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
    except OSError:
        raise SettingsError(f"The model's card {card.name} can't be read; see DCM2SET_MODEL_PATH.") from None
    rows = connection.cursor(row_factory=dict_row)
    weeks = rows.execute(_SQL["weeks"], {"model_version": content["version"]}).fetchall()
    reference = {
        code: {**figures, "patients": content["patients_by_modality"].get(code, 0)}
        for code, figures in (content.get("reference") or {}).items()
    }
    return drifts(weeks, reference)


def drifts(weeks: Sequence[dict[str, Any]], reference: Reference) -> list[Drift]:
    """Compare the newest week of each modality and device with training or with the weeks before."""
    groups: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for week in weeks:
        for device in {None, week["device"] or None}:
            groups.setdefault((week["modality"], device), []).append(week)
    devices = Counter(modality for modality, device in groups if device)
    found = [
        _drift(modality, device, rows, reference.get(modality, {}))
        for (modality, device), rows in groups.items()
        if device is None or devices[modality] > 1
    ]
    return sorted(found, key=lambda drift: (not drift.findings, drift.modality, drift.device or ""))


def _drift(
    modality: str, device: str | None, rows: Sequence[dict[str, Any]], reference: Mapping[str, Any]
) -> Drift:
    newest = max(row["week"] for row in rows)
    now = _sum(row for row in rows if row["week"] == newest)
    before = _sum(row for row in rows if row["week"] < newest)
    is_enough = before["patients"] >= FEWEST_PATIENTS
    trained = reference.get("patients", 0)
    distance, against, limit = _distance(
        now, before if is_enough else None, reference.get("score_deciles"), trained
    )
    ranges = reference.get("features") if trained >= _FEWEST_OF_TRAINING else None
    outside = _outside(now, before if is_enough else None, ranges)
    findings: list[str] = []
    if now["patients"] >= FEWEST_PATIENTS:
        findings += _share_findings(now, before) if is_enough else ()
        if distance is not None and distance >= max(limit, _LEAST_DISTANCE):
            findings.append(f"scores differ from {against} (distance {distance:.2f})")
        if outside:
            findings.append(f"outside the usual range: {', '.join(outside[:_MOST_FEATURES])}")
    return Drift(
        modality=modality,
        device=device,
        week=str(newest),
        images=_total(now),
        patients=now["patients"],
        rejected=_share(now, "low_quality", "black"),
        in_review=_share(now, "review"),
        rejected_before=_share(before, "low_quality", "black") if is_enough else None,
        in_review_before=_share(before, "review") if is_enough else None,
        score_distance=distance,
        scores_compared_with=against,
        features_outside=tuple(outside),
        findings=tuple(findings),
    )


def _sum(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The numbers of several rows together; a patient of several of them counts in each."""
    found: dict[str, Any] = {"patients": 0, "scores": Counter(), "features": {}} | dict.fromkeys(_VERDICTS, 0)
    for row in rows:
        for name in ("patients", *_VERDICTS):
            found[name] += row[name]
        found["scores"].update(row["scores"])
        for name, percentiles in row["features"].items():
            found["features"].setdefault(name, []).append(percentiles)
    return found


def _total(numbers: Mapping[str, Any]) -> int:
    return sum(numbers[verdict] for verdict in _VERDICTS)


def _share(numbers: Mapping[str, Any], *verdicts: str) -> float:
    number: int = sum(numbers[verdict] for verdict in verdicts)
    return number / max(_total(numbers), 1)


def _share_findings(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """The shares whose interval of the weeks before and that of this week have no share in common."""
    found = []
    for words, verdicts in (("rejected", ("low_quality", "black")), ("in review", ("review",))):
        shares = _share(now, *verdicts), _share(before, *verdicts)
        low, high = _interval(now, verdicts)
        low_before, high_before = _interval(before, verdicts)
        differs = low > high_before or high < low_before
        if differs and abs(shares[0] - shares[1]) >= _LEAST_SHARE:
            found.append(f"{shares[0]:.0%} {words}, {shares[1]:.0%} in the weeks before")
    return found


def _interval(numbers: Mapping[str, Any], verdicts: Sequence[str]) -> tuple[float, float]:
    number = sum(numbers[verdict] for verdict in verdicts)
    return share_interval(number, _total(numbers), numbers["patients"])


def _distance(
    now: Mapping[str, Any], before: Mapping[str, Any] | None, deciles: Sequence[float] | None, trained: int
) -> tuple[float | None, str, float]:
    """The distance of the scores, what they are compared with, and the distance that chance may reach."""
    if not now["scores"]:
        return None, "nothing", 0.0
    if deciles:
        return (
            deciles_distance(now["scores"], deciles),
            "training",
            critical_distance(now["patients"], trained),
        )
    if before is None or not before["scores"]:
        return None, "nothing", 0.0
    limit = critical_distance(now["patients"], before["patients"])
    return bins_distance(now["scores"], before["scores"]), "the weeks before", limit


def _outside(
    now: Mapping[str, Any], before: Mapping[str, Any] | None, ranges: Mapping[str, Sequence[float]] | None
) -> list[str]:
    """The features whose median of each device lies outside the percentiles 1 and 99 of training.

    Without those, it is compared with the percentiles 10 and 90 of the weeks before.
    """
    usual = {name: (one[0], one[1]) for name, one in (ranges or {}).items()}
    if not usual and before:
        usual = {
            name: (min(one[0] for one in each), max(one[2] for one in each))
            for name, each in before["features"].items()
        }
    return sorted(
        name
        for name, each in now["features"].items()
        if name in usual and all(not usual[name][0] <= one[1] <= usual[name][1] for one in each)
    )
