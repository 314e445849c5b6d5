"""Load the quality model. The artefact's digest is checked before anything is unpickled."""

import hashlib
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Literal

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
_loading = threading.Lock()  # loading changes `sys.modules` and the filters of warnings, which threads share


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
        If a file is missing, the artefact isn't the one that the card describes, or it was trained
        with other features or another version of scikit-learn.
    """
    content = _read(path)
    card = _read_card(card_path(path))
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise SettingsError(f"{path.name} isn't the file its card describes; {_RESTORE}.")
    if card.features != FEATURE_NAMES:
        raise SettingsError(f"{path.name} was trained on other features; train it again with this release.")
    _check_library(path, card)
    machine, usual = _unpickled(content, path)
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


def _check_library(path: Path, card: QualityCard) -> None:
    trained, installed = card.libraries.get("scikit-learn"), version("scikit-learn")
    if trained != installed:
        raise SettingsError(
            f"{path.name} was trained with scikit-learn {trained}, but {installed} is installed; "
            "install that version or train the model again."
        )


def _unpickled(content: bytes, path: Path) -> tuple[CalibratedMachine, UsualRange]:
    """Unpickle the classifier, for its arrays, and the range of good pictures; imports scikit-learn."""
    import joblib

    with _loading, _no_pandas():
        from sklearn.exceptions import InconsistentVersionWarning

    try:
        with _loading, _no_pandas(), warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            parts = joblib.load(BytesIO(content))
            return CalibratedMachine.of(parts["classifier"]), UsualRange(*parts["usual"])
    except Exception as error:  # noqa: BLE001 - unpickling can raise any exception
        raise SettingsError(f"{path.name} can't be loaded ({type(error).__name__}); {_RESTORE}.") from None


@contextmanager
def _no_pandas() -> Iterator[None]:
    """Hide pandas from scikit-learn, which imports it for half a second although arrays need none of it."""
    is_hidden = sys.modules.setdefault("pandas", None) is None  # type: ignore[arg-type]
    try:
        yield
    finally:
        if is_hidden:
            del sys.modules["pandas"]
