"""Features of pictures for the quality model."""

import numpy as np
import pytest

from model.features.fourier import circular_correlations, inverse_of_real, power_spectrum
from model.features.image_features import FEATURE_NAMES, image_features
from model.training.degradation.degradations import DEGRADATIONS
from tests.unit.model.pictures import CLEAN_FILES, MIRRORED, Picture, random_picture, real_picture


@pytest.mark.parametrize(
    "shape",
    [
        (1, 1),
        (1, 40),
        (40, 1),
        (3, 9000),
        (7, 15),
        (16, 16),
        (3, 5),
        (511, 513),
        (513, 700),
        (1, 1, 3),
        (90, 33, 3),
    ],
)
@pytest.mark.parametrize("fill", [0, 77, 255, None])
def test_features_are_finite_on_any_shape(shape: tuple[int, ...], fill: int | None) -> None:
    """Every feature has one finite value for any shape and content."""
    picture = random_picture(shape) if fill is None else np.full(shape, fill, np.uint8)
    features = image_features(picture)
    assert (len(FEATURE_NAMES),) == features.shape
    assert features.dtype == np.float64
    assert np.isfinite(features).all()


def test_feature_names_are_unique() -> None:
    """No two features share a name."""
    assert len(FEATURE_NAMES) == len(set(FEATURE_NAMES))


def test_features_are_reproducible_and_leave_the_picture_unchanged() -> None:
    """The same picture gives the same features, and computing them doesn't change it."""
    picture = real_picture("CT_small.dcm")
    before = picture.copy()
    np.testing.assert_array_equal(image_features(picture), image_features(picture))
    np.testing.assert_array_equal(before, picture)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.uint16), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)],
)
def test_features_refuse_other_arrays(picture: Picture) -> None:
    """Another dtype, another number of samples and an empty array are refused."""
    with pytest.raises(ValueError, match="A picture has"):
        image_features(picture)


def test_a_grey_picture_in_rgb_has_the_features_of_the_grey_one() -> None:
    """Only the luma of a colour picture is used, so three equal samples change nothing."""
    grey = real_picture("MR_small.dcm")
    features = image_features(np.stack([grey] * 3, axis=-1))
    np.testing.assert_array_equal(image_features(grey), features)


@pytest.mark.parametrize("shape", [(1200, 1111), (511, 513), (2100, 700), (33, 1500, 3), (5, 5)])
def test_mirroring_changes_no_feature_of_a_large_picture(shape: tuple[int, ...]) -> None:
    """Pixels are skipped and boxes averaged from the same side for every mirror image."""
    picture = random_picture(shape)
    for mirrored in MIRRORED:
        np.testing.assert_array_equal(image_features(picture), image_features(picture[mirrored]))


@pytest.mark.parametrize("shape", [(8, 8), (2, 512), (256, 6), (512, 512), (75, 61), (16, 61)])
def test_transforms_are_those_of_numpy(shape: tuple[int, int]) -> None:
    """OpenCV packs spectra of even sides; unpacked they are those of numpy within single precision."""
    rng = np.random.default_rng(3)
    one, other = rng.normal(0, 50, (2, *shape)).astype(np.float32)
    power = np.abs(np.fft.rfft2(one.astype(float))) ** 2
    np.testing.assert_allclose(power_spectrum(one), power, atol=1e-6 * power.max())
    logs = np.log(power + 1)
    cepstrum = np.fft.irfft2(logs + 0j, shape)
    np.testing.assert_allclose(
        inverse_of_real(logs.astype(np.float32), shape[1]), cepstrum, atol=1e-6 * cepstrum.max()
    )
    spectra = np.fft.rfft(one.astype(float)) * np.conj(np.fft.rfft(other.astype(float)))
    alike = np.fft.irfft(spectra, shape[1])
    np.testing.assert_allclose(circular_correlations(one, other), alike, atol=1e-6 * np.abs(alike).max())


FEATURE_OF_FAULT = {
    "ghost": "echo_far",
    "motion": "gradient_coherence",
    "row_shift": "moved_gain",
    "missing_rows": "empty_bands",
    "truncated": "empty_end",
    "shading": "slope_explained",
    "block_loss": "breaks_fifth",
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", FEATURE_OF_FAULT)
def test_a_fault_raises_its_own_feature(kind: str, turned: bool) -> None:
    """In both orientations the fault's own feature is higher than in every clean picture."""
    index = FEATURE_NAMES.index(FEATURE_OF_FAULT[kind])
    highest = max(image_features(real_picture(name))[index] for name in CLEAN_FILES)
    picture = real_picture("examples_overlay.dcm")
    for seed in range(3):
        degraded_picture = DEGRADATIONS[kind](picture, np.random.default_rng(seed))
        assert image_features(degraded_picture.T.copy() if turned else degraded_picture)[index] > highest, (
            seed
        )
