"""The shipped quality model: probabilities, reasons and confidence."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from model.artefact import QualityModel
from model.features.image_features import FEATURE_NAMES, image_features
from model.reasons import WORDS
from model.training.degradation.degradations import DEGRADATIONS
from tests.unit.model.pictures import CLEAN_FILES, MIRRORED, heavy_noise, real_picture


@pytest.mark.parametrize("name", CLEAN_FILES)
def test_a_clean_real_image_is_good_and_heavy_noise_on_it_is_bad(model: QualityModel, name: str) -> None:
    """Real images pass at the default threshold; the same images with strong noise don't."""
    picture = real_picture(name)
    assert model.probability_bad(image_features(picture)) < model.limits(None).reject_from / 2
    assert model.probability_bad(image_features(heavy_noise(picture))) >= model.limits(None).reject_from


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_uniform_picture_is_bad(model: QualityModel, level: int) -> None:
    """A picture of a single value is rejected: black, grey or white."""
    assert (
        model.probability_bad(image_features(np.full((256, 256), level, np.uint8)))
        >= model.limits(None).reject_from
    )


@pytest.mark.parametrize("mirrored", MIRRORED)
@pytest.mark.parametrize("name", CLEAN_FILES)
def test_mirroring_keeps_the_probability(model: QualityModel, name: str, mirrored: tuple[slice, ...]) -> None:
    """A mirrored picture has exactly the same probability: good or bad, with odd sides, or in colour."""
    for picture in (real_picture(name), heavy_noise(real_picture(name)), real_picture(name)[1:, 2:-1]):
        expected = model.probability_bad(image_features(picture))
        assert expected == model.probability_bad(image_features(picture[mirrored]))


@pytest.mark.parametrize("name", CLEAN_FILES)
def test_the_file_format_does_not_matter(model: QualityModel, name: str) -> None:
    """Another PNG compression or a TIFF of the same pixels gives exactly the same probability."""
    picture = real_picture(name)
    expected = model.probability_bad(image_features(picture))
    for form, options in (("PNG", {"compress_level": 0}), ("PNG", {"optimize": True}), ("TIFF", {})):
        coded = BytesIO()
        Image.fromarray(picture).save(coded, form, **options)
        assert expected == model.probability_bad(image_features(np.asarray(Image.open(coded))))


EXPECTED_REASONS = {
    "gaussian_noise": {"noisy"},
    "defocus": {"blurred"},
    "under_exposure": {"too dark"},
    "over_exposure": {"too bright", "only black and white"},
    "low_contrast": {"low contrast"},
    "posterisation": {"few grey levels"},
    "missing_rows": {"missing rows or cut off"},
    "dead_stripes": {"missing rows or cut off"},
    "grid": {"repeated lines or grid"},
    "ghost": {"doubled"},
    "row_shift": {"shifted rows"},
    "truncated": {"missing rows or cut off"},
    "pixelation": {"blocks from compression"},
}


@pytest.mark.parametrize("kind", EXPECTED_REASONS)
def test_the_reasons_name_the_degradation(model: QualityModel, kind: str) -> None:
    """The right reason is among the three for a picture that was degraded in a known way."""
    picture = real_picture("examples_overlay.dcm")
    for seed in range(3):
        degraded_picture = DEGRADATIONS[kind](picture, np.random.default_rng(seed))
        reasons = model.reasons(image_features(degraded_picture))
        assert set(reasons) & EXPECTED_REASONS[kind], (seed, reasons)
        assert len(reasons) <= 3


def test_a_normal_picture_has_no_reasons(model: QualityModel) -> None:
    """There is no reason if no feature lies outside the range of good pictures."""
    assert () == model.reasons(image_features(real_picture("examples_overlay.dcm")))


def test_reasons_refer_to_existing_features() -> None:
    """Each reason names features of the model, with a sign."""
    named = {feature for features in WORDS.values() for feature in features}
    assert {"+", "-"} == {feature[0] for feature in named}
    assert set() == {feature[1:] for feature in named} - set(FEATURE_NAMES)


@pytest.mark.parametrize(
    ("modality", "expected"),
    [("MR", "normal"), ("CR", "normal"), ("XA", "low"), ("SM", "low"), (None, "low")],
)
def test_confidence_is_low_where_training_saw_too_few_patients(
    model: QualityModel, modality: str | None, expected: str
) -> None:
    """Confidence is low for a modality with too few or no patients, and for an unknown modality."""
    assert expected == model.confidence(modality)


def test_the_model_refuses_a_wrong_number_of_features(model: QualityModel) -> None:
    """Features of another release are refused."""
    with pytest.raises(ValueError, match="Features have shape"):
        model.probability_bad(np.zeros(3))
