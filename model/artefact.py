"""Loading the quality model: nothing is unpickled before its digest is known to be right."""

import hashlib
import warnings
from dataclasses import dataclass, field
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from common.errors import SettingsError
from model.card import QualityCard, card_path
from model.features.image_features import FEATURE_NAMES
from model.reasons import UsualRange

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
    low_confidence_modalities: frozenset[str]
    """DICOM codes of modalities of which training saw too few patients."""
    known_modalities: frozenset[str]
    """DICOM codes of all modalities of which training saw any patient."""
    _classifier: _Classifier = field(repr=False)
    _usual: UsualRange = field(repr=False)

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
        return float(self._classifier.predict_proba(_checked(features)[None, :])[0, 1])

    def reasons(self, features: NDArray[np.float64]) -> tuple[str, ...]:
        """Up to three measures that speak most against the picture, most first, in plain words.

        They say where the picture lies outside the good ones of training, feature by feature, and
        so may be there for a picture the model calls good, and missing for one it calls bad.
        """
        return self._usual.reasons(_checked(features))

    def confidence(self, modality: str | None) -> Literal["normal", "low"]:
        """Low if training saw too few patients, or none, of a modality; low if it isn't known."""
        known = modality in self.known_modalities and modality not in self.low_confidence_modalities
        return "normal" if known else "low"


def _checked(features: NDArray[np.float64]) -> NDArray[np.float64]:
    if features.shape != (len(FEATURE_NAMES),):
        raise ValueError(f"Features have shape ({len(FEATURE_NAMES)},), not {features.shape}.")
    if not np.isfinite(features).all():
        raise ValueError("A feature isn't finite.")
    return features


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
    classifier, usual = _unpickled(content, path)
    return QualityModel(
        card.version,
        card.threshold,
        frozenset(card.low_confidence_modalities),
        frozenset(card.patients_by_modality),
        classifier,
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
        raise SettingsError(f"{path.name} is no model card; {_RESTORE}.") from None


def _check_library(path: Path, card: QualityCard) -> None:
    trained, installed = card.libraries.get("scikit-learn"), version("scikit-learn")
    if trained != installed:
        raise SettingsError(
            f"{path.name} was trained with scikit-learn {trained}, but {installed} is installed; "
            "install that version or train the model again."
        )


def _unpickled(content: bytes, path: Path) -> tuple[Any, UsualRange]:
    """The classifier and the good pictures' range; scikit-learn is imported here, not before."""
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", InconsistentVersionWarning)
            parts = joblib.load(BytesIO(content))
            return parts["classifier"], UsualRange(*parts["usual"])
    except Exception as error:  # noqa: BLE001 - unpickling raises whatever the classes in it raise
        raise SettingsError(f"{path.name} can't be loaded ({type(error).__name__}); {_RESTORE}.") from None
