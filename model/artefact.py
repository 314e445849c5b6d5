"""Loading the quality model: nothing is unpickled before its digest is known to be right."""

import hashlib
import warnings
from dataclasses import dataclass, field
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common.errors import SettingsError
from model.card import QualityCard, card_path
from model.features import FEATURE_NAMES

DEFAULT_MODEL = Path(__file__).with_name("quality_svm.joblib")
_RESTORE = "restore both files from one training run"


class _Classifier(Protocol):
    def predict_proba(self, features: NDArray[np.float64], /) -> NDArray[np.float64]: ...


@dataclass(frozen=True)
class QualityModel:
    """A loaded model; it keeps no state between calls and may be shared by threads."""

    version: str
    threshold: float
    """From this probability on, a picture is rejected by default."""
    _classifier: _Classifier = field(repr=False)

    def probability_bad(self, features: NDArray[np.float64]) -> float:
        """How likely the picture is bad, 0 to 1, if good and bad were equally frequent.

        Parameters
        ----------
        features : float64 array of shape (len(FEATURE_NAMES),)
            From `model.features.image_features`.

        Raises
        ------
        ValueError
            If there are more or fewer features, or one isn't finite.
        """
        if features.shape != (len(FEATURE_NAMES),):
            raise ValueError(f"Features have shape ({len(FEATURE_NAMES)},), not {features.shape}.")
        return float(self._classifier.predict_proba(features[None, :])[0, 1])


def load_quality_model(path: Path) -> QualityModel:
    """Load an artefact whose card lies beside it under the same name with the ending .json.

    Raises
    ------
    SettingsError
        If a file is missing, the artefact isn't the one the card describes, or it was made
        for other features or another scikit-learn.
    """
    content = _read(path)
    card = _read_card(card_path(path))
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise SettingsError(f"{path.name} isn't the file its card describes; {_RESTORE}.")
    if card.features != FEATURE_NAMES:
        raise SettingsError(f"{path.name} was trained on other features; train it again with this release.")
    _check_library(path, card)
    return QualityModel(card.version, card.threshold, _unpickled(content, path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path.name} can't be read ({type(error).__name__}); {_RESTORE}.") from None


def _read_card(path: Path) -> QualityCard:
    try:
        return QualityCard.from_json(_read(path).decode())
    except ValueError:
        raise SettingsError(f"{path.name} is no model card; {_RESTORE}.") from None


def _check_library(path: Path, card: QualityCard) -> None:
    trained, installed = card.libraries.get("scikit-learn"), version("scikit-learn")
    if trained != installed:
        raise SettingsError(
            f"{path.name} was trained with scikit-learn {trained}, but {installed} is installed; "
            "install that version or train the model again."
        )


def _unpickled(content: bytes, path: Path) -> Any:
    """The classifier; scikit-learn is imported here, not when a function starts."""
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            return joblib.load(BytesIO(content))
    except Exception as error:  # noqa: BLE001 - unpickling raises whatever the classes in it raise
        raise SettingsError(f"{path.name} can't be loaded ({type(error).__name__}); {_RESTORE}.") from None
