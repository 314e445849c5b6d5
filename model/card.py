"""The quality model's card: what lies beside the artefact and says what it is."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class QualityCard:
    """Everything a person or a program needs to know before the artefact is trusted."""

    version: str
    sha256: str
    """Of the artefact's bytes; checked before they are unpickled."""
    features: tuple[str, ...]
    """Names in the order of the columns the model was fitted to."""
    threshold: float
    """From this probability of being bad on, a picture is rejected by default."""
    libraries: dict[str, str]
    seeds: dict[str, int]
    model: dict[str, Any]
    """The estimator and its settings."""
    sources: list[dict[str, Any]]
    """The patients' pictures: name, package, licence, files, number of pictures, digest."""
    patients_by_modality: dict[str, int]
    """Sources the model learned from, by DICOM's code of the modality."""
    low_confidence_modalities: list[str]
    """Those with so few that a verdict on their pictures is given with low confidence."""
    threshold_table: list[dict[str, float]]
    """What another threshold would catch and lose, on sources left out of training."""
    metrics: dict[str, Any]
    limits: list[str]
    """What the model doesn't judge, and how far the figures can be trusted."""

    def to_json(self) -> str:
        """The card as indented JSON, the same text for the same card."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "QualityCard":
        """The card of a JSON text; unknown members are ignored.

        Raises ValueError if it is no JSON or a member is missing.
        """
        content = json.loads(text)
        members = content if isinstance(content, dict) else {}
        missing = [field.name for field in fields(cls) if field.name not in members]
        if missing:
            raise ValueError(f"The card lacks {', '.join(missing)}.")
        known = {field.name: members[field.name] for field in fields(cls)}
        return cls(**{**known, "features": tuple(known["features"])})


def card_path(artefact: Path) -> Path:
    """Where the card of an artefact lies."""
    return artefact.with_suffix(".json")
