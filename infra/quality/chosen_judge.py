"""The judge by the settings, or by options that take their place."""

from pathlib import Path

import click

from common.settings import Settings, load_settings
from model.artefact import load_quality_model
from model.card import DEFAULT_MODEL
from model.judgement import Judge
from model.limits import ChosenLimits


def chosen_judge(
    threshold: float | None = None, review_from: float | None = None, path: Path | None = None
) -> Judge:
    """The judge that options choose; for one that isn't given the setting or the model decides.

    Raises click.UsageError if review would begin above the threshold.
    """
    if threshold and review_from and review_from > threshold:
        raise click.UsageError(
            "--review-from must be at most --threshold, from which images are of low quality."
        )
    settings = load_settings()
    model = load_quality_model(path or settings.model_path or DEFAULT_MODEL)
    return Judge(model, settings.black_mean, _chosen_limits(threshold, review_from, settings))


def _chosen_limits(threshold: float | None, review_from: float | None, settings: Settings) -> ChosenLimits:
    """The options; for one that isn't given the setting, unless it contradicts the other option."""
    reject_from = threshold or settings.quality_threshold
    from_score = review_from or settings.quality_review_from
    if reject_from and from_score and from_score > reject_from:
        return ChosenLimits(review_from, threshold)
    return ChosenLimits(from_score, reject_from)
