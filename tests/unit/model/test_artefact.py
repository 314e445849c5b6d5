"""The quality model's artefact and card, and how they are loaded."""

import hashlib
import json
import pickle
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import joblib
import numpy as np
import pytest

from common.errors import SettingsError
from model.artefact import QualityModel, load_quality_model
from model.card import DEFAULT_MODEL, QualityCard, card_path, have_same_features
from model.features.image_features import FEATURE_NAMES
from model.training.degradation.degradations import DEGRADATIONS
from model.training.sources.recipes import HELD_OUT


@pytest.fixture
def copied_model(tmp_path: Path) -> Path:
    for path in (DEFAULT_MODEL, card_path(DEFAULT_MODEL)):
        shutil.copy(path, tmp_path)
    return tmp_path / DEFAULT_MODEL.name


def change_card(artefact: Path, **members: object) -> None:
    path = card_path(artefact)
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


def test_the_card_describes_the_artefact(model: QualityModel) -> None:
    """The shipped card matches the shipped artefact and states the model's limits."""
    card = QualityCard.from_json(card_path(DEFAULT_MODEL).read_text(encoding="utf-8"))
    assert hashlib.sha256(DEFAULT_MODEL.read_bytes()).hexdigest() == card.sha256
    assert card.version == model.version
    assert FEATURE_NAMES == card.features
    assert set(DEGRADATIONS) == set(card.metrics["left_out_kinds"]["auc_by_kind"])
    for part in ("nested_cross_validation", "held_out"):
        assert set(DEGRADATIONS) == set(card.metrics[part]["caught_by_kind"])
        assert {"clean_rejected", "clean_in_review"} <= set(card.metrics[part]["by_modality"]["US"])
    assert set(HELD_OUT) == {source["name"] for source in card.sources if source["held_out"]}
    assert set(HELD_OUT) == set(card.metrics["held_out"]["names"])
    learned = [source["modality"] for source in card.sources if not source["held_out"]]
    assert {code: learned.count(code) for code in learned} == card.patients_by_modality
    assert set(card.patients_by_modality) == set(card.looks) == set(card.reference)
    assert {"", *card.patients_by_modality} == set(card.limits_by_modality)
    for code in ("", "CT", "XA"):
        limits = card.limits_by_modality.get(code, card.limits_by_modality[""])
        assert limits == asdict(model.limits(code))
        assert 0 < limits["review_from"] < limits["reject_from"]
    assert set(card.low_confidence_modalities) == {code for code in learned if learned.count(code) < 3}
    caught = [row["bad_caught"] for row in card.threshold_table]
    assert caught == sorted(caught, reverse=True)
    assert any("Positioning" in limit for limit in card.limits)
    assert all(source["licence"] for source in card.sources)


@pytest.mark.parametrize(
    ("version", "other", "same"), [("5.0+aa", "5.0+bb", True), ("4.0+aa", "5.0+aa", False), ("m", "m", True)]
)
def test_models_of_one_release_have_the_same_features(version: str, other: str, same: bool) -> None:
    """Features of the same names may have been computed otherwise by an earlier release."""
    assert same == have_same_features(version, other)


def test_threads_can_load_at_the_same_time() -> None:
    """The first requests of a new process each load the model."""
    code = (
        "import sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from model.artefact import load_quality_model\n"
        "from model.card import DEFAULT_MODEL\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    loaded = list(pool.map(load_quality_model, [DEFAULT_MODEL] * 32))\n"
        "print(len({each.version for each in loaded}), 'pandas' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ("", "1 False\n") == (run.stderr, run.stdout)


def test_a_changed_artefact_is_refused_before_it_is_unpickled(copied_model: Path) -> None:
    """A file with another digest is refused before any pickled code runs."""
    trace = copied_model.with_name("unpickled")
    copied_model.write_bytes(pickle.dumps(_Touch(trace)))
    with pytest.raises(SettingsError, match=r"^quality_svm\.joblib isn't the file its card describes"):
        load_quality_model(copied_model)
    assert not trace.exists()


class _Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("missing", ["quality_svm.joblib", "quality_svm.json"])
def test_a_missing_file_is_refused(copied_model: Path, missing: str) -> None:
    """Nothing is loaded without the artefact or its card, and the error names the missing file."""
    copied_model.with_name(missing).unlink()
    with pytest.raises(SettingsError, match=missing) as caught:
        load_quality_model(copied_model)
    assert str(copied_model.parent) not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": 1}', "\udcff"])
def test_a_broken_card_is_refused(copied_model: Path, text: str) -> None:
    """The error says that the file is not a card."""
    card_path(copied_model).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SettingsError, match=r"^quality_svm\.json is not a model card"):
        load_quality_model(copied_model)


def test_other_features_are_refused(copied_model: Path) -> None:
    """A model that was trained with another release's features is refused."""
    change_card(copied_model, features=[*FEATURE_NAMES[1:], FEATURE_NAMES[0]])
    with pytest.raises(SettingsError, match="trained on other features"):
        load_quality_model(copied_model)


def test_the_version_of_scikit_learn_does_not_matter(copied_model: Path) -> None:
    """The artefact holds plain arrays, so the card's versions are information only."""
    change_card(copied_model, libraries={"scikit-learn": "1.2.3"})
    assert load_quality_model(copied_model).version == load_quality_model(DEFAULT_MODEL).version


def _replace_content(artefact: Path, content: object) -> None:
    joblib.dump(content, artefact)
    change_card(artefact, sha256=hashlib.sha256(artefact.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"vectors": np.zeros((0, 70))}, "The support vectors are not"),
        ({"vectors": np.zeros((3, 70), np.float32)}, "The support vectors are not"),
        ({"weights": np.zeros(1)}, "weights is not a float64 array"),
        ({"centre": np.full(70, np.nan)}, "A value isn't finite"),
        ({"scale": np.zeros(70)}, "gamma and scale must be over 0"),
        ({"gamma": -1.0}, "gamma and scale must be over 0"),
        ({"slope": "steep"}, "slope is not a float"),
        ({"offset": None}, "offset is not a float"),
    ],
)
def test_malformed_arrays_are_refused(copied_model: Path, changed: dict[str, object], words: str) -> None:
    """The error says what is wrong with the machine, and what to do."""
    content = joblib.load(copied_model)
    content["machine"] |= changed
    _replace_content(copied_model, content)
    with pytest.raises(SettingsError, match=rf"malformed machine; train it again with this release.*{words}"):
        load_quality_model(copied_model)


@pytest.mark.parametrize("content", [{"classifier": 1}, {"machine": 1, "usual": ()}, [1], None])
def test_an_artefact_of_another_form_is_refused(copied_model: Path, content: object) -> None:
    """A file of a release that stored estimators is refused with what to do."""
    _replace_content(copied_model, content)
    with pytest.raises(SettingsError, match="has the form of another release; train it again"):
        load_quality_model(copied_model)


def test_an_artefact_with_fewer_features_is_refused(copied_model: Path) -> None:
    """The arrays must have one value for each feature."""
    content = joblib.load(copied_model)
    content["usual"] = [values[1:] for values in content["usual"]]
    _replace_content(copied_model, content)
    with pytest.raises(SettingsError, match="another number of features"):
        load_quality_model(copied_model)


def test_an_artefact_that_is_not_a_pickle_is_refused(copied_model: Path) -> None:
    """A file that matches its card but can't be loaded raises SettingsError."""
    copied_model.write_bytes(b"not a pickle")
    change_card(copied_model, sha256=hashlib.sha256(b"not a pickle").hexdigest())
    with pytest.raises(SettingsError, match=r"^quality_svm\.joblib can't be loaded"):
        load_quality_model(copied_model)


def test_judging_needs_neither_scikit_learn_nor_scipy() -> None:
    """A verdict of the shipped model is reached with numpy and OpenCV alone; joblib only loads the file."""
    code = (
        "import sys, numpy; sys.modules |= dict.fromkeys(('sklearn', 'scipy', 'pandas', 'pydicom', 'PIL'))\n"
        "from model.artefact import load_quality_model\n"
        "from model.card import DEFAULT_MODEL\n"
        "from model.judgement import Judge\n"
        "picture = numpy.random.default_rng(0).integers(0, 256, (99, 64), dtype=numpy.uint8)\n"
        "print(Judge(load_quality_model(DEFAULT_MODEL), 3).judge(picture, modality='CT').verdict)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "low_quality\n" == run.stdout


def test_importing_the_loader_is_cheap() -> None:
    """A starting function imports neither joblib, which waits for the first verdict, nor pydicom."""
    code = (
        "import sys, model.artefact\n"
        "print(sorted({'joblib', 'sklearn', 'scipy', 'pydicom', 'PIL'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == answer.stdout.strip()
