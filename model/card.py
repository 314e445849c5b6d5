"""The quality model's card: a JSON file beside the artefact that describes it."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

DEFAULT_MODEL = Path(__file__).with_name("quality_svm.joblib")
"""The artefact that is shipped; named here because whoever reads only its card needs no numpy."""


@dataclass(frozen=True)
class QualityCard:
    """What a person or a program must know before trusting the artefact."""

    version: str
    sha256: str
    """SHA-256 of the artefact's bytes, checked before they are unpickled."""
    features: tuple[str, ...]
    """Feature names in the order of the columns that the model was fitted to."""
    limits_by_modality: dict[str, dict[str, float]]
    """Limits of review and of rejection; under "" those of any other modality. See `model.limits`."""
    cost: dict[str, float]
    """Shares of clean pictures that the limits may reject and give to review."""
    looks: dict[str, list[str]]
    """Looks of the clean training pictures by modality; see `model.looks`."""
    libraries: dict[str, str]
    seeds: dict[str, int]
    model: dict[str, Any]
    """The estimator and its settings."""
    sources: list[dict[str, Any]]
    """Each patient's pictures: name, package, licence, files, number of pictures, digest."""
    patients_by_modality: dict[str, int]
    """Number of training patients by DICOM modality code."""
    low_confidence_modalities: list[str]
    """Modalities with so few training patients that their verdicts have low confidence."""
    reference: dict[str, dict[str, Any]]
    """By modality, to notice drift: deciles of the scores of clean pictures of unseen sources, and of each
    feature of the clean training pictures the 1st and 99th percentile."""
    threshold_table: list[dict[str, float]]
    """Rates of caught bad and rejected good pictures at other thresholds, on unseen sources."""
    metrics: dict[str, Any]
    limits: list[str]
    """What the model doesn't judge, and how reliable the figures are."""

    def to_json(self) -> str:
        """Return the card as indented JSON. Equal cards give equal text."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "QualityCard":
        """Parse a card. Unknown members are ignored.

        Raises ValueError if the text isn't JSON or a member is missing.
        """
        content = json.loads(text)
        members = content if isinstance(content, dict) else {}
        missing = [field.name for field in fields(cls) if field.name not in members]
        if missing:
            raise ValueError(f"The card lacks {', '.join(missing)}.")
        known = {field.name: members[field.name] for field in fields(cls)}
        return cls(**{**known, "features": tuple(known["features"])})


def have_same_features(version: str, other: str) -> bool:
    """Whether models of two versions compute their features alike: what stands before the + is equal."""
    return version.partition("+")[0] == other.partition("+")[0]


def card_path(artefact: Path) -> Path:
    """Return the path of an artefact's card."""
    return artefact.with_suffix(".json")
