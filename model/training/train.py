"""Train the quality model on real pictures and degraded copies of them, and write it with its card."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV

from model.artefact import DEFAULT_MODEL
from model.card import QualityCard, card_path
from model.features.image_features import FEATURE_NAMES
from model.reasons import UsualRange
from model.training.evaluation import (
    Progress,
    Settings,
    chosen_settings,
    chosen_threshold,
    clean_rejections,
    figures,
    left_out_kinds,
    nested_probabilities,
    threshold_table,
)
from model.training.fitting import fit, scores
from model.training.samples import CLEAN, Samples, build_samples
from model.training.sources.corpus import Source, build_corpus
from model.training.sources.site_pictures import site_sources

MODEL_VERSION = "3.0"
SEED = 20_260_101
_FEWEST_PATIENTS = 3
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib", "pillow", "pydicom")
_LIMITS = [
    "The bad pictures are real ones degraded by program, not bad ones from practice: other faults may pass.",
    "Positioning, anatomy, laterality and whether the picture answers the question are not judged.",
    "Kinds of fault that training had none of are caught worst; see left_out_kinds.",
    "It learned from few patients: good pictures of unseen kinds may be rejected, ultrasound above all.",
    "Text and graphics burnt into a picture are part of what is measured.",
    "Whole mosaics of slices, pathology, endoscopy and photographs were not trained on.",
    "The probability takes good and bad as equally frequent; it isn't their share in an archive.",
]


def train(
    folder: Path,
    *,
    progress: Callable[[str], None],
    sources: Sequence[Source] | None = None,
    good: Path | None = None,
    bad: Path | None = None,
    weight: float = 1.0,
) -> QualityCard:
    """Train and evaluate a model; write quality_svm.joblib and quality_svm.json and return the card.

    The same pictures and the same versions of all packages give the same bytes.

    Parameters
    ----------
    folder : Path
        Existing folder for the two files.
    progress : callable
        Receives a sentence after each longer step.
    sources : sequence of Source, optional
        Used instead of the packages' pictures; at least three that aren't held out.
    good, bad : Path, optional
        Folders of a site's own pictures, added to the others; see `site_sources`. Bad pictures are used
        as they are; good ones are also degraded, like those of the packages.
    weight : float
        How much one patient of the site counts, compared with one of the packages.

    Raises
    ------
    ValueError
        If there are too few sources or the weight isn't positive.
    """
    if sources is None:
        progress("Reading the pictures in the packages. Packages that aren't installed are downloaded once.")
        sources = build_corpus()
    content, card = _trained([*sources, *site_sources(good, bad, weight)], progress)
    _write(folder, content, card, progress)
    return card


def _trained(sources: list[Source], progress: Progress) -> tuple[bytes, QualityCard]:
    """Train and evaluate a model; return the artefact's bytes and the card."""
    learned = [source for source in sources if not source.held_out]
    held_out = [source for source in sources if source.held_out]
    if len(learned) < 3:
        raise ValueError(f"Training needs at least 3 sources, not {len(learned)}.")
    samples = build_samples(learned, SEED, progress)
    fitted = _fitted(samples, progress)
    metrics = {
        "nested_cross_validation": _nested(samples, fitted, learned),
        "left_out_kinds": _left_out(samples, fitted.settings, progress),
        "pictures": _counts(samples),
        # The held-out sources are measured last, after every choice.
        "held_out": _held_out(held_out, fitted, progress) if held_out else {},
    }
    clean = samples.kind == CLEAN
    usual = UsualRange.of(samples.features[clean], samples.weights[clean])
    content = _pickled(fitted.model, usual)
    table = threshold_table(samples, fitted.probabilities)
    return content, _card(content, fitted, sources, metrics=metrics, table=table)


def _write(folder: Path, content: bytes, card: QualityCard, progress: Progress) -> None:
    artefact = folder / DEFAULT_MODEL.name
    artefact.write_bytes(content)
    card_path(artefact).write_text(card.to_json(), encoding="utf-8")
    progress(f"Wrote {artefact.name} and its card, version {card.version}.")


@dataclass(frozen=True)
class _Fitted:
    """A fitted model with everything that was chosen for it."""

    model: CalibratedClassifierCV
    settings: Settings
    threshold: float
    probabilities: NDArray[np.float64]  # of each sample, by models that never saw its source


def _fitted(samples: Samples, progress: Progress) -> _Fitted:
    choose = partial(chosen_settings, score=scores)
    probabilities = nested_probabilities(samples, choose, fit, progress)
    threshold = chosen_threshold(samples, probabilities)
    settings = choose(samples)
    model = fit(samples, settings)
    progress(f"Fitted C {settings.c:g} and breadth {settings.breadth:g}; the threshold is {threshold:g}.")
    return _Fitted(model, settings, threshold, probabilities)


def _pickled(model: CalibratedClassifierCV, usual: UsualRange) -> bytes:
    buffer = BytesIO()
    joblib.dump({"classifier": model, "usual": (usual.low, usual.median, usual.high)}, buffer)
    return buffer.getvalue()


def _nested(samples: Samples, fitted: _Fitted, learned: Sequence[Source]) -> dict[str, Any]:
    probabilities, threshold = fitted.probabilities, fitted.threshold
    return {
        "how": "Groups of sources left out in turn; C, gamma and calibration "
        "chosen without them. Features, mild changes and the threshold were chosen "
        "with such figures in view, which flatters them.",
        **figures(samples, probabilities, threshold, [source.modality for source in learned]),
        "clean_rejected": _by_name(learned, clean_rejections(samples, probabilities, threshold)),
    }


def _left_out(samples: Samples, settings: Settings, progress: Progress) -> dict[str, Any]:
    by_kind = left_out_kinds(samples, scores, settings, progress)
    return {
        "how": "AUC of each kind of fault on sources and by machines that saw neither it nor them.",
        "mean_auc": round(float(np.mean(list(by_kind.values()))), 4),
        "auc_by_kind": by_kind,
    }


def _held_out(sources: list[Source], fitted: _Fitted, progress: Progress) -> dict[str, Any]:
    samples, threshold = build_samples(sources, SEED, progress), fitted.threshold
    probabilities = fitted.model.predict_proba(samples.features)[:, 1]
    return {
        "how": "Sources kept out of training and of every choice, judged by this very artefact. "
        "Those of the packages were measured twice before, for versions 1 and 2; nothing followed from it.",
        "names": [source.name for source in sources],
        **figures(samples, probabilities, threshold, [source.modality for source in sources]),
        "clean_rejected": _by_name(sources, clean_rejections(samples, probabilities, threshold)),
    }


def _by_name(sources: Sequence[Source], counts: dict[int, int]) -> dict[str, int]:
    return {sources[index].name: count for index, count in counts.items()}


def _counts(samples: Samples) -> dict[str, int]:
    return {
        "good": int((~samples.bad).sum()),
        "bad": int(samples.bad.sum()),
        "clean": int((samples.kind == CLEAN).sum()),
    }


def _card(
    content: bytes,
    fitted: _Fitted,
    sources: Sequence[Source],
    *,
    metrics: dict[str, Any],
    table: list[dict[str, float]],
) -> QualityCard:
    digest = hashlib.sha256(content).hexdigest()
    patients = Counter(source.modality for source in sources if source.modality and not source.held_out)
    return QualityCard(
        version=f"{MODEL_VERSION}+{digest[:8]}",
        sha256=digest,
        features=FEATURE_NAMES,
        threshold=fitted.threshold,
        libraries={name: version(name) for name in _LIBRARIES},
        seeds={"samples": SEED},
        model={
            "estimator": "StandardScaler, SVC(RBF), sigmoid calibration",
            "C": fitted.settings.c,
            "gamma": fitted.settings.breadth / len(FEATURE_NAMES),
        },
        sources=[_described(source) for source in sources],
        patients_by_modality=dict(sorted(patients.items())),
        low_confidence_modalities=sorted(
            code for code, count in patients.items() if count < _FEWEST_PATIENTS
        ),
        threshold_table=table,
        metrics=metrics,
        limits=_LIMITS,
    )


def _described(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "modality": source.modality,
        "package": source.package,
        "licence": source.licence,
        "files": list(source.files),
        "pictures": len(source.pictures),
        "bad_pictures": len(source.bad_pictures),
        "weight": source.weight,
        "held_out": source.held_out,
        "digest": source.digest,
    }
