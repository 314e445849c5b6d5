"""The quality model: features, degradations, the trained artefact and how it is loaded."""

import hashlib
import json
import pickle
import shutil
import subprocess
import sys
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.data import get_testdata_file

from common.errors import SettingsError
from imaging.frames.image_checks import Limits
from imaging.frames.image_file import read_image_file
from imaging.rendering.picture_recipe import PictureRecipe
from model.artefact import DEFAULT_MODEL, QualityModel, load_quality_model
from model.card import QualityCard, card_path
from model.features.image_features import FEATURE_NAMES, image_features
from model.reasons import WORDS
from model.training import evaluation, samples
from model.training.corpus import Source, build_corpus
from model.training.degradations import DEGRADATIONS, MILD_CHANGES, degraded
from model.training.recipes import HELD_OUT, RECIPES, Recipe
from model.training.site_pictures import site_sources
from model.training.train import train

CLEAN_FILES = (
    "CT_small.dcm",
    "MR_small.dcm",
    "JPEG2000.dcm",
    "examples_overlay.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
)

Picture = NDArray[np.uint8]


def real_picture(name: str) -> Picture:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    image = read_image_file(Path(path), Limits())
    return PictureRecipe(image.ds).draw(next(image.frames()), index=0).picture


def random_picture(shape: tuple[int, ...]) -> Picture:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def heavy_noise(picture: Picture) -> Picture:
    noise = np.random.default_rng(2).normal(0, 60, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> QualityModel:
    return load_quality_model(DEFAULT_MODEL)


@pytest.fixture
def copied_model(tmp_path: Path) -> Path:
    for path in (DEFAULT_MODEL, card_path(DEFAULT_MODEL)):
        shutil.copy(path, tmp_path)
    return tmp_path / DEFAULT_MODEL.name


def change_card(artefact: Path, **members: object) -> None:
    path = card_path(artefact)
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 40), (40, 1), (3, 9000), (7, 15), (16, 16), (513, 700), (1, 1, 3), (90, 33, 3)]
)
@pytest.mark.parametrize("fill", [0, 77, 255, None])
def test_features_are_finite_on_any_shape(shape: tuple[int, ...], fill: int | None) -> None:
    """Every name has one finite value, whatever the picture's shape and content."""
    picture = random_picture(shape) if fill is None else np.full(shape, fill, np.uint8)
    features = image_features(picture)
    assert (len(FEATURE_NAMES),) == features.shape
    assert features.dtype == np.float64
    assert np.isfinite(features).all()


def test_feature_names_are_unique() -> None:
    """No two features share a name."""
    assert len(FEATURE_NAMES) == len(set(FEATURE_NAMES))


def test_features_are_the_same_twice_and_leave_the_picture_alone() -> None:
    """The same picture gives the same features and isn't changed by measuring."""
    picture = real_picture("CT_small.dcm")
    before = picture.copy()
    np.testing.assert_array_equal(image_features(picture), image_features(picture))
    np.testing.assert_array_equal(before, picture)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.uint16), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)],
)
def test_features_refuse_what_is_no_picture(picture: Picture) -> None:
    """Another dtype, another number of samples and an empty array are refused."""
    with pytest.raises(ValueError, match="A picture has"):
        image_features(picture)


def test_a_grey_picture_in_rgb_has_the_features_of_the_grey_one() -> None:
    """Colour is judged by its luma, so three equal samples change nothing."""
    grey = real_picture("MR_small.dcm")
    features = image_features(np.stack([grey] * 3, axis=-1))
    np.testing.assert_array_equal(image_features(grey), features)


@pytest.mark.parametrize("name", [*DEGRADATIONS, *MILD_CHANGES])
@pytest.mark.parametrize("shape", [(64, 80), (64, 80, 3)])
def test_changes_are_deterministic_under_a_seed(name: str, shape: tuple[int, ...]) -> None:
    """The same seed gives the same 8-bit picture, and the original isn't touched."""
    change = (DEGRADATIONS | MILD_CHANGES)[name]
    picture = random_picture(shape)
    first, second = (change(picture, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(random_picture(shape), picture)
    assert first.dtype == np.uint8
    assert len(shape) == first.ndim
    if name in DEGRADATIONS:
        assert shape == first.shape


def test_a_degradation_that_does_not_show_is_left_out() -> None:
    """Blur on a picture without detail would still be good, so it isn't taken as bad."""
    kinds = [kind for kind, _ in degraded(np.zeros((64, 64), np.uint8), np.random.default_rng(4))]
    assert "defocus" not in kinds
    assert "dead_stripes" in kinds


def test_a_source_that_cannot_be_decoded_is_left_out() -> None:
    """Files without a usable picture don't stop the corpus from being built."""
    recipes = (
        Recipe("CT", "CT", "pydicom", ("CT_small.dcm",)),
        Recipe("no DICOM", "CT", "pydicom", ("README.txt",)),
        Recipe("tiny", "OT", "pydicom", ("SC_rgb_small_odd.dcm",)),
    )
    assert ["CT"] == [source.name for source in build_corpus(recipes)]


def test_files_of_equal_pixels_count_once() -> None:
    """One image in several encodings is one picture of its source."""
    files = ("MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm")
    (one,) = build_corpus((Recipe("MR", "MR", "pydicom", files[:1]),))
    (all_three,) = build_corpus((Recipe("MR", "MR", "pydicom", files),))
    assert len(one.pictures) == len(all_three.pictures)


@pytest.mark.parametrize("name", CLEAN_FILES)
def test_a_clean_real_image_is_good_and_heavy_noise_on_it_is_bad(model: QualityModel, name: str) -> None:
    """Real images pass at the default threshold; the same with strong noise don't."""
    picture = real_picture(name)
    assert model.probability_bad(image_features(picture)) < model.threshold / 2
    assert model.probability_bad(image_features(heavy_noise(picture))) >= model.threshold


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_uniform_picture_is_bad(model: QualityModel, level: int) -> None:
    """A picture of one value is rejected, be it black, grey or white."""
    assert model.probability_bad(image_features(np.full((256, 256), level, np.uint8))) >= model.threshold


MIRRORED = ((slice(None, None, -1),), (slice(None), slice(None, None, -1)), (slice(None, None, -1),) * 2)


@pytest.mark.parametrize("mirrored", MIRRORED)
@pytest.mark.parametrize("name", CLEAN_FILES)
def test_mirroring_changes_nothing(model: QualityModel, name: str, mirrored: tuple[slice, ...]) -> None:
    """A mirrored picture, good or bad, of odd sides or in colour, has the very same probability."""
    for picture in (real_picture(name), heavy_noise(real_picture(name)), real_picture(name)[1:, 2:-1]):
        expected = model.probability_bad(image_features(picture))
        assert expected == model.probability_bad(image_features(picture[mirrored]))


@pytest.mark.parametrize("shape", [(1200, 1111), (2100, 700), (33, 1500, 3), (5, 5)])
def test_mirroring_changes_no_feature_of_a_picture_that_is_reduced(shape: tuple[int, ...]) -> None:
    """Pixels are skipped and boxes averaged from the same side, however the picture is mirrored."""
    picture = random_picture(shape)
    for mirrored in MIRRORED:
        np.testing.assert_array_equal(image_features(picture), image_features(picture[mirrored]))


@pytest.mark.parametrize("name", CLEAN_FILES)
def test_a_picture_saved_again_is_judged_the_same(model: QualityModel, name: str) -> None:
    """Only pixels count: another PNG compression, or a TIFF, gives the very same probability."""
    picture = real_picture(name)
    expected = model.probability_bad(image_features(picture))
    for form, options in (("PNG", {"compress_level": 0}), ("PNG", {"optimize": True}), ("TIFF", {})):
        coded = BytesIO()
        Image.fromarray(picture).save(coded, form, **options)
        assert expected == model.probability_bad(image_features(np.asarray(Image.open(coded))))


MEASURES = {
    "ghost": "echo_far",
    "motion": "gradient_coherence",
    "row_shift": "moved_gain",
    "missing_rows": "empty_bands",
    "truncated": "empty_end",
    "shading": "slope_explained",
    "block_loss": "breaks_fifth",
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("kind", MEASURES)
def test_a_fault_shows_in_the_measure_made_for_it(kind: str, turned: bool) -> None:
    """Whichever way the picture lies, its own measure is higher than in any of the clean pictures."""
    at = FEATURE_NAMES.index(MEASURES[kind])
    usual = max(image_features(real_picture(name))[at] for name in CLEAN_FILES)
    picture = real_picture("examples_overlay.dcm")
    for seed in range(3):
        spoiled = DEGRADATIONS[kind](picture, np.random.default_rng(seed))
        assert image_features(spoiled.T.copy() if turned else spoiled)[at] > usual, seed


REASONS = {
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


@pytest.mark.parametrize("kind", REASONS)
def test_the_reasons_name_what_was_done_to_the_picture(model: QualityModel, kind: str) -> None:
    """Of a picture degraded in a known way, the right word is among the three."""
    picture = real_picture("examples_overlay.dcm")
    for seed in range(3):
        spoiled = DEGRADATIONS[kind](picture, np.random.default_rng(seed))
        reasons = model.reasons(image_features(spoiled))
        assert set(reasons) & REASONS[kind], (seed, reasons)
        assert len(reasons) <= 3


def test_nothing_speaks_against_a_usual_picture(model: QualityModel) -> None:
    """Without a feature outside the good pictures' range there is no reason to give."""
    assert () == model.reasons(image_features(real_picture("examples_overlay.dcm")))


def test_the_words_stand_on_features_there_are() -> None:
    """Each word names features of the model, with a sign."""
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
    """A modality with too few patients, or none, or not known, lowers the confidence."""
    assert expected == model.confidence(modality)


def test_the_model_refuses_a_wrong_number_of_features(model: QualityModel) -> None:
    """Features of another release are refused, not judged."""
    with pytest.raises(ValueError, match="Features have shape"):
        model.probability_bad(np.zeros(3))


def test_the_card_describes_the_artefact(model: QualityModel) -> None:
    """The shipped card belongs to the shipped artefact and says what it can't judge."""
    card = QualityCard.from_json(card_path(DEFAULT_MODEL).read_text(encoding="utf-8"))
    assert hashlib.sha256(DEFAULT_MODEL.read_bytes()).hexdigest() == card.sha256
    assert (card.version, card.threshold) == (model.version, model.threshold)
    assert FEATURE_NAMES == card.features
    assert set(DEGRADATIONS) == set(card.metrics["left_out_kinds"]["auc_by_kind"])
    for part in ("nested_cross_validation", "held_out"):
        assert set(DEGRADATIONS) == set(card.metrics[part]["caught_by_kind"])
        assert "clean_good_rejected" in card.metrics[part]["by_modality"]["US"]
    assert set(HELD_OUT) == {source["name"] for source in card.sources if source["held_out"]}
    assert set(HELD_OUT) == set(card.metrics["held_out"]["names"])
    learned = [source["modality"] for source in card.sources if not source["held_out"]]
    assert {code: learned.count(code) for code in learned} == card.patients_by_modality
    assert set(card.low_confidence_modalities) == {code for code in learned if learned.count(code) < 3}
    caught = [row["bad_caught"] for row in card.threshold_table]
    assert caught == sorted(caught, reverse=True)
    assert any("Positioning" in limit for limit in card.limits)
    assert all(source["licence"] for source in card.sources)


def test_a_changed_artefact_is_refused_before_it_is_unpickled(copied_model: Path) -> None:
    """A file with another digest is refused without running what is pickled in it."""
    trace = copied_model.with_name("unpickled")
    copied_model.write_bytes(pickle.dumps(_Touch(trace)))
    with pytest.raises(SettingsError, match=r"^quality_svm\.joblib isn't the file its card describes"):
        load_quality_model(copied_model)
    assert not trace.exists()


class _Touch:
    """Unpickling it creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("missing", ["quality_svm.joblib", "quality_svm.json"])
def test_a_missing_file_is_refused(copied_model: Path, missing: str) -> None:
    """Without its artefact or its card nothing is loaded, and the missing file is named."""
    copied_model.with_name(missing).unlink()
    with pytest.raises(SettingsError, match=missing) as caught:
        load_quality_model(copied_model)
    assert str(copied_model.parent) not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": 1}', "\udcff"])
def test_a_broken_card_is_refused(copied_model: Path, text: str) -> None:
    """What is no card is named as such."""
    card_path(copied_model).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SettingsError, match=r"^quality_svm\.json is no model card"):
        load_quality_model(copied_model)


def test_other_features_are_refused(copied_model: Path) -> None:
    """A model of another release's features is refused."""
    change_card(copied_model, features=[*FEATURE_NAMES[1:], FEATURE_NAMES[0]])
    with pytest.raises(SettingsError, match="trained on other features"):
        load_quality_model(copied_model)


def test_another_scikit_learn_is_refused(copied_model: Path) -> None:
    """The message names both versions."""
    change_card(copied_model, libraries={"scikit-learn": "1.2.3"})
    with pytest.raises(SettingsError, match=rf"scikit-learn 1\.2\.3, but {version('scikit-learn')}"):
        load_quality_model(copied_model)


def test_an_artefact_that_is_no_pickle_is_refused(copied_model: Path) -> None:
    """A file that matches its card but can't be loaded is a wrong setting, not a crash."""
    copied_model.write_bytes(b"no pickle")
    change_card(copied_model, sha256=hashlib.sha256(b"no pickle").hexdigest())
    with pytest.raises(SettingsError, match=r"^quality_svm\.joblib can't be loaded"):
        load_quality_model(copied_model)


def test_importing_the_loader_stays_cheap() -> None:
    """A function that starts doesn't pay for scikit-learn before it judges, nor ever for pydicom."""
    code = "import sys, model.artefact; print(sorted({'sklearn', 'pydicom', 'PIL'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == answer.stdout.strip()


def test_no_patient_is_in_two_sources() -> None:
    """A file belongs to one patient only, and every held-out name is one of a recipe."""
    owners: dict[tuple[str, str], str] = {}
    for recipe in RECIPES:
        for file in recipe.files:
            assert recipe.name == owners.setdefault((recipe.package, file), recipe.name)
    assert set() == HELD_OUT - set(owners.values())


def site(folder: Path, files: dict[str, Picture]) -> Path:
    for name, picture in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return folder


def test_a_folder_or_a_name_up_to_an_underscore_is_a_patient(tmp_path: Path) -> None:
    """Files of one patient are one source, good and bad ones together; others' files are passed over."""
    picture = real_picture("CT_small.dcm")
    good = site(tmp_path / "good", {"p1/a.png": picture, "p1/deep/b.png": picture, "p2_1.png": picture})
    bad = site(tmp_path / "bad", {"p2_7.png": picture, "p3.png": picture})
    (good / "notes.txt").write_text("no picture")
    (good / "broken.png").write_bytes(b"no picture")
    found = {
        source.name: (len(source.pictures), len(source.bad_pictures), source.weight)
        for source in site_sources(good, bad, 2.5)
    }
    assert {"site: p1": (2, 0, 2.5), "site: p2": (1, 1, 2.5), "site: p3": (0, 1, 2.5)} == found


@pytest.mark.parametrize(("inside", "weight"), [(None, 1.0), ("text", 1.0), ("picture", 0.0)])
def test_a_site_folder_that_cannot_be_used_is_refused(
    tmp_path: Path, inside: str | None, weight: float
) -> None:
    """A folder that isn't there, or has no picture, and a weight of nothing are wrong calls."""
    folder = tmp_path / "good"
    if inside:
        site(folder, {"a.png": real_picture("CT_small.dcm")} if inside == "picture" else {})
        folder.mkdir(exist_ok=True)
    with pytest.raises(ValueError, match=r"folder|has no readable|is positive"):
        site_sources(folder, None, weight)


def test_a_site_can_add_its_own_pictures(tmp_path: Path, quick_training: None) -> None:
    """Its patients are in the card with their weight, and its bad pictures are a kind of their own."""
    picture = real_picture("examples_overlay.dcm")[40:140, 100:230]
    good = site(tmp_path / "good", {"a_1.png": picture})
    bad = site(tmp_path / "bad", {"b_1.png": heavy_noise(picture)})
    out = tmp_path / "out"
    out.mkdir()
    card = train(out, progress=lambda _: None, sources=small_sources(), good=good, bad=bad, weight=3)
    added = [source for source in card.sources if source["name"].startswith("site: ")]
    assert [("site: a", 3), ("site: b", 3)] == [(source["name"], source["weight"]) for source in added]
    assert "bad in practice" in card.metrics["nested_cross_validation"]["caught_by_kind"]


@pytest.fixture
def quick_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """One setting instead of a grid, four faults instead of all, few changes: the same code in a second."""
    monkeypatch.setattr(evaluation, "GRID", evaluation.GRID[:1])
    monkeypatch.setattr(evaluation, "_FOLDS", 3)
    monkeypatch.setattr(samples, "_MILD_CHAINS", 2)
    monkeypatch.setattr(samples, "_PICTURES_PER_SOURCE", 1)
    for name in [*DEGRADATIONS][4:]:
        monkeypatch.delitem(DEGRADATIONS, name)


def small_sources() -> list[Source]:
    pictures = {
        "CT": real_picture("CT_small.dcm"),
        "MR": real_picture("MR_small.dcm"),
        "MR abdomen": real_picture("examples_overlay.dcm")[60:190, 100:260],
    }
    return [Source(name, "pydicom", "MIT", (), (picture,)) for name, picture in pictures.items()]


def test_training_twice_gives_the_same_bytes(tmp_path: Path, quick_training: None) -> None:
    """The artefact and its card depend on the pictures and the seed only, and load again."""
    said: list[str] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        card = train(tmp_path / name, progress=said.append, sources=small_sources())
    first, second = ((tmp_path / name / DEFAULT_MODEL.name) for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert card_path(first).read_bytes() == card_path(second).read_bytes()
    assert card.version == load_quality_model(first).version
    assert all(sentence.endswith(".") for sentence in said)


def test_training_refuses_too_few_sources(tmp_path: Path) -> None:
    """With one or two patients nothing can be held out."""
    with pytest.raises(ValueError, match="at least 3 sources"):
        train(tmp_path, progress=print, sources=small_sources()[:2])
