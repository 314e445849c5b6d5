"""Load the quality model. The artefact's digest is checked before anything is unpickled."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from common.errors import SettingsError
from model.card import QualityCard, card_path
from model.decision import CalibratedMachine
from model.features.image_features import FEATURE_NAMES
from model.limits import Limits
from model.looks import look_of
from model.reasons import UsualRange

_RESTORE = "restore both files from one training run"
_TRAIN = "train it again with this release, or restore the shipped files"
_SHAPE = (len(FEATURE_NAMES),)


@dataclass(frozen=True)
class QualityModel:
    """A loaded model. It keeps no state between calls, so threads may share it."""

    version: str
    _limits: Mapping[str, Limits] = field(repr=False)
    _looks: Mapping[str, frozenset[str]] = field(repr=False)
    low_confidence_modalities: frozenset[str]
    """DICOM codes of modalities with too few patients in the training data."""
    known_modalities: frozenset[str]
    """DICOM codes of all modalities with at least one patient in the training data."""
    _machine: CalibratedMachine = field(repr=False)
    _usual: UsualRange = field(repr=False)

    def probability_bad(self, features: NDArray[np.float64]) -> float:
        """Return the probability, 0 to 1, that the picture is bad, if good and bad were equally frequent.

        Parameters
        ----------
        features : float64 array of shape (len(FEATURE_NAMES),)
            From `model.features.image_features`.

        Raises
        ------
        ValueError
            If the number of features is wrong or a feature isn't finite.
        """
        return self._machine.probability(_checked(features))

    def limits(self, modality: str | None) -> Limits:
        """Return the limits for pictures of a modality; those of all modalities if it is unknown."""
        return self._limits.get(modality or "", self._limits[""])

    def unfamiliar(self, modality: str | None, features: NDArray[np.float64]) -> str | None:
        """Return in words what training has never seen: modality or look; None if it has seen both."""
        if modality not in self.known_modalities:
            return "a modality that training has not seen"
        look = look_of(dict(zip(FEATURE_NAMES, features.tolist(), strict=True)))
        if look not in self._looks.get(modality, frozenset()):
            return f"{look}, as training has not seen this modality"
        return None

    def reasons(self, features: NDArray[np.float64]) -> tuple[str, ...]:
        """Return up to three reasons against the picture in plain words, the strongest first.

        A reason means that a feature lies outside the range of the good training pictures. So a picture
        that the model calls good may have reasons, and one that it calls bad may have none.
        """
        return self._usual.reasons(_checked(features))

    def confidence(self, modality: str | None) -> Literal["normal", "low"]:
        """Return "low" for an unknown modality and for one with too few or no training patients."""
        known = modality in self.known_modalities and modality not in self.low_confidence_modalities
        return "normal" if known else "low"


def _checked(features: NDArray[np.float64]) -> NDArray[np.float64]:
    if features.shape != (len(FEATURE_NAMES),):
        raise ValueError(f"Features have shape ({len(FEATURE_NAMES)},), not {features.shape}.")
    if not np.isfinite(features).all():
        raise ValueError("A feature isn't finite.")
    return features


def load_quality_model(path: Path) -> QualityModel:
    """Load an artefact. Its card has the same name with the suffix .json and lies beside it.

    Raises
    ------
    SettingsError
        If a file is missing, the artefact isn't the one that the card describes, it was trained with other
        features, or its arrays are not those of a machine.
    """
    content = _read(path)
    card = _read_card(card_path(path))
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise SettingsError(f"{path.name} isn't the file its card describes; {_RESTORE}.")
    if card.features != FEATURE_NAMES:
        raise SettingsError(f"{path.name} was trained on other features; {_TRAIN}.")
    machine, usual = _parts(_unpickled(content, path), path)
    return QualityModel(
        card.version,
        {code: Limits(**limits) for code, limits in card.limits_by_modality.items()},
        {code: frozenset(looks) for code, looks in card.looks.items()},
        frozenset(card.low_confidence_modalities),
        frozenset(card.patients_by_modality),
        machine,
        usual,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path.name} can't be read ({type(error).__name__}); {_RESTORE}.") from None


def _read_card(path: Path) -> QualityCard:
    try:
        return QualityCard.from_json(_read(path).decode())
    except ValueError:
        raise SettingsError(f"{path.name} is not a model card; {_RESTORE}.") from None


def _unpickled(content: bytes, path: Path) -> Any:
    import joblib  # for a first verdict only: a function that starts has no need of it

    try:
        return joblib.load(BytesIO(content))
    except Exception as error:  # noqa: BLE001 - unpickling can raise any exception
        raise SettingsError(f"{path.name} can't be loaded ({type(error).__name__}); {_RESTORE}.") from None


def _parts(content: Any, path: Path) -> tuple[CalibratedMachine, UsualRange]:
    """Return the machine and the range of good pictures; SettingsError if they are malformed."""
    try:
        machine, usual = CalibratedMachine.of(content["machine"]), UsualRange(*content["usual"])
    except (KeyError, TypeError, IndexError):
        raise SettingsError(f"{path.name} has the form of another release; {_TRAIN}.") from None
    except ValueError as error:
        raise SettingsError(f"{path.name} holds a malformed machine; {_TRAIN}. {error}") from None
    if not machine.centre.shape == usual.low.shape == usual.median.shape == usual.high.shape == _SHAPE:
        raise SettingsError(f"{path.name} holds arrays of another number of features; {_TRAIN}.")
    return machine, usual
