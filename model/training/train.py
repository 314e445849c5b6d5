"""Training the quality model: real pictures, spoiled copies of them, and a support vector machine."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from model.artefact import DEFAULT_MODEL
from model.card import QualityCard, card_path
from model.features.image_features import FEATURE_NAMES
from model.reasons import UsualRange
from model.training.corpus import Source, build_corpus
from model.training.evaluation import (
    Settings,
    chosen_settings,
    chosen_threshold,
    clean_rejections,
    figures,
    left_out_kinds,
    nested_probabilities,
    threshold_table,
)
from model.training.samples import CLEAN, Samples, build_samples
from model.training.site_pictures import site_sources

MODEL_VERSION = "3.0"
SEED = 20_260_101
_CALIBRATION_FOLDS = 5
_KERNEL_MEMORY = 400  # MB; less makes fitting slower, not other
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
    """Train, evaluate and write quality_svm.joblib and its card quality_svm.json.

    The same packages in the same versions, and the same site's pictures, give the same bytes.

    Parameters
    ----------
    folder : Path
        Where the two files are written; it must exist.
    progress : callable
        Called with a sentence after each longer step.
    sources : sequence of Source, optional
        Pictures to learn from instead of the packages'; at least three that aren't held out.
    good, bad : Path, optional
        Folders of a site's own pictures, added to the others; see `site_sources`. Bad ones are
        taken as they are, good ones are degraded as well, as the packages' are.
    weight : float
        How much one patient of the site counts, against one of the packages.

    Returns
    -------
    The card that was written.

    Raises
    ------
    ValueError
        If there are too few sources, or the weight isn't positive.
    """
    if sources is None:
        progress("Reading the pictures inside the packages; those not installed are fetched once.")
        sources = build_corpus()
    every = [*sources, *site_sources(good, bad, weight)]
    learned = [source for source in every if not source.held_out]
    kept_out = [source for source in every if source.held_out]
    if len(learned) < 3:
        raise ValueError(f"Training needs at least 3 sources, not {len(learned)}.")

    samples = build_samples(learned, SEED, progress)
    choose = partial(chosen_settings, score=_scores)
    probabilities = nested_probabilities(samples, choose, fit, progress)
    threshold = chosen_threshold(samples, probabilities)
    settings = choose(samples)
    model = fit(samples, settings)
    progress(f"Fitted C {settings.c:g} and breadth {settings.breadth:g}; the threshold is {threshold:g}.")
    metrics = {
        "nested_cross_validation": {
            "how": "Groups of sources left out in turn; C, gamma and calibration "
            "chosen without them. Features, mild changes and the threshold were chosen "
            "with such figures in view, which flatters them.",
            **figures(samples, probabilities, threshold, [source.modality for source in learned]),
            "clean_rejected": _by_name(learned, clean_rejections(samples, probabilities, threshold)),
        },
        "left_out_kinds": _left_out(samples, settings, progress),
        "pictures": _counts(samples),
        # Only now is anything measured on the sources that were kept out.
        "held_out": _held_out(kept_out, model, threshold, progress) if kept_out else {},
    }
    clean = samples.kind == CLEAN
    usual = UsualRange.of(samples.features[clean], samples.weights[clean])
    content = _pickled(model, usual)
    card = _card(
        content,
        threshold=threshold,
        settings=settings,
        sources=every,
        metrics=metrics,
        table=threshold_table(samples, probabilities),
    )
    artefact = folder / DEFAULT_MODEL.name
    artefact.write_bytes(content)
    card_path(artefact).write_text(card.to_json(), encoding="utf-8")
    progress(f"Wrote {artefact.name} and its card, version {card.version}.")
    return card


def fit(samples: Samples, settings: Settings) -> CalibratedClassifierCV:
    """A scaled RBF machine whose probabilities come from sources left out of each fold."""
    # One numerical thread: how many there are changes the last bits of the sigmoid, and so the digest.
    with threadpool_limits(1), config_context(enable_metadata_routing=True):
        machine = Pipeline(
            [
                ("scale", StandardScaler().set_fit_request(sample_weight=True)),
                ("svm", _machine(settings).set_fit_request(sample_weight=True)),
            ]
        )
        # One machine fitted to everything; the folds serve only the sigmoid on top of it. They are
        # given as lists because scikit-learn 1.9 doesn't pass groups on to a splitter here.
        model = CalibratedClassifierCV(machine, cv=_folds(samples), ensemble=False)
        model.fit(samples.features, samples.bad, sample_weight=samples.weights)
    return model.set_params(cv=None)


def _machine(settings: Settings) -> SVC:
    return SVC(C=settings.c, gamma=settings.breadth / len(FEATURE_NAMES), cache_size=_KERNEL_MEMORY)


def _scores(training: Samples, asked: Samples, settings: Settings) -> NDArray[np.float64]:
    """How far on the bad side the asked ones lie; enough to order them, and quicker than probabilities."""
    scale = StandardScaler().fit(training.features, sample_weight=training.weights)
    machine = _machine(settings)
    machine.fit(scale.transform(training.features), training.bad, sample_weight=training.weights)
    scores: NDArray[np.float64] = machine.decision_function(scale.transform(asked.features))
    return scores


def _folds(samples: Samples) -> list[Any]:
    count = min(_CALIBRATION_FOLDS, np.unique(samples.source).size)
    return list(GroupKFold(count).split(samples.features, samples.bad, samples.source))


def _pickled(model: CalibratedClassifierCV, usual: UsualRange) -> bytes:
    buffer = BytesIO()
    joblib.dump({"classifier": model, "usual": (usual.low, usual.median, usual.high)}, buffer)
    return buffer.getvalue()


def _left_out(samples: Samples, settings: Settings, progress: Callable[[str], None]) -> dict[str, Any]:
    by_kind = left_out_kinds(samples, _scores, settings, progress)
    return {
        "how": "AUC of each kind of fault on sources and by machines that saw neither it nor them.",
        "mean_auc": round(float(np.mean(list(by_kind.values()))), 4),
        "auc_by_kind": by_kind,
    }


def _held_out(
    sources: list[Source], model: CalibratedClassifierCV, threshold: float, progress: Callable[[str], None]
) -> dict[str, Any]:
    samples = build_samples(sources, SEED, progress)
    probabilities = model.predict_proba(samples.features)[:, 1]
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
    *,
    threshold: float,
    settings: Settings,
    sources: Sequence[Source],
    metrics: dict[str, Any],
    table: list[dict[str, float]],
) -> QualityCard:
    digest = hashlib.sha256(content).hexdigest()
    patients = Counter(source.modality for source in sources if source.modality and not source.held_out)
    return QualityCard(
        version=f"{MODEL_VERSION}+{digest[:8]}",
        sha256=digest,
        features=FEATURE_NAMES,
        threshold=threshold,
        libraries={name: version(name) for name in _LIBRARIES},
        seeds={"samples": SEED},
        model={
            "estimator": "StandardScaler, SVC(RBF), sigmoid calibration",
            "C": settings.c,
            "gamma": settings.breadth / len(FEATURE_NAMES),
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
