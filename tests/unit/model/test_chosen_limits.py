"""The limits that training chooses on pictures of unseen sources."""

import numpy as np
from numpy.typing import NDArray

from model.features.image_features import FEATURE_NAMES
from model.training.chosen_limits import Cost, Verdicts, limits_by_modality, looks_by_modality
from model.training.samples import CLEAN, Samples

_PER_SOURCE = 10


def table(modalities: list[str]) -> Samples:
    """Ten clean pictures and ten bad ones of each source, on black."""
    count = len(modalities) * 2 * _PER_SOURCE
    features = np.zeros((count, len(FEATURE_NAMES)))
    features[:, FEATURE_NAMES.index("share_black")] = 0.7
    bad = np.tile(np.repeat([False, True], _PER_SOURCE), len(modalities))
    owners = np.repeat(np.arange(len(modalities)), 2 * _PER_SOURCE)
    return Samples(
        features, bad, owners, np.where(bad, "defocus", CLEAN), np.ones(count), np.array(modalities)[owners]
    )


def scores_of(samples: Samples, clean: dict[int, float]) -> NDArray[np.float64]:
    """Score 0.9 for bad pictures, 0.02 for clean ones, and others for the clean ones of some sources."""
    scores = np.where(samples.bad, 0.9, 0.02)
    for source, score in clean.items():
        scores[~samples.bad & (samples.source == source)] = score
    return scores


def test_no_more_clean_pictures_are_kept_back_than_the_cost_allows() -> None:
    """Of 200 sources one may be rejected, and six more may be in review."""
    modalities = ["CT"] * 200
    samples = table(modalities)
    scores = scores_of(samples, {0: 0.8, **dict.fromkeys(range(1, 7), 0.5), 7: 0.3})
    limits = limits_by_modality(samples, scores, Cost(0.005, 0.03))["CT"]
    assert (limits.review_from, limits.reject_from) == (0.31, 0.51)
    verdicts = Verdicts.of(samples, scores, {"": limits}, looks_by_modality(samples))
    assert verdicts.rejected[~samples.bad].mean() == 0.005
    assert verdicts.kept_back[~samples.bad].mean() == 0.035


def test_a_modality_has_limits_of_its_own_as_far_as_it_has_sources() -> None:
    """Four odd sources of twenty move the limits of their modality; one of two does not."""
    modalities = ["CT"] * 100 + ["US"] * 20 + ["CR"] * 2
    samples = table(modalities)
    odd = dict.fromkeys((100, 101, 102, 103, 120), 0.7)
    limits = limits_by_modality(samples, scores_of(samples, odd), Cost(0.005, 0.06))
    assert {"CT": 0.05, "US": 0.71, "CR": 0.05} == {
        code: limits[code].review_from for code in ("CT", "US", "CR")
    }


def test_the_only_source_of_a_modality_moves_no_limit() -> None:
    """Held out, its modality is one that training has not seen: it would be in review anyway."""
    modalities = ["CT"] * 20 + ["MG"]
    samples = table(modalities)
    limits = limits_by_modality(samples, scores_of(samples, {20: 0.9}), Cost())
    assert {(limit.review_from, limit.reject_from) for limit in limits.values()} == {(0.05, 0.05)}


def test_an_unfamiliar_picture_is_in_review_and_never_rejected() -> None:
    """Whatever its score, a picture of a modality or look without training pictures is kept for a person."""
    modalities = ["CT", "CT", "XA"]
    samples = table(modalities)
    looks = {"CT": looks_by_modality(samples)["CT"]}
    limits = limits_by_modality(samples, scores_of(samples, {}), Cost())
    verdicts = Verdicts.of(samples, scores_of(samples, {}), limits, looks)
    unseen = samples.source == 2
    assert not verdicts.rejected[unseen].any()
    assert verdicts.kept_back[unseen].all()
    assert verdicts.rejected[~unseen & samples.bad].all()
