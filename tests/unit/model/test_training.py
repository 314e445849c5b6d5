"""Training the quality model: sources, a site's own pictures, reproducible results."""

from pathlib import Path

import pytest
from PIL import Image

from model.artefact import load_quality_model
from model.card import DEFAULT_MODEL, card_path
from model.training import evaluation, samples
from model.training.degradation.degradations import DEGRADATIONS
from model.training.sources.corpus import Source, build_corpus
from model.training.sources.recipes import HELD_OUT, RECIPES, Recipe
from model.training.sources.site_pictures import SitePictures, site_sources
from model.training.train import train
from tests.unit.model.pictures import Picture, heavy_noise, real_picture


def test_a_source_that_cannot_be_decoded_is_left_out() -> None:
    """Files without a usable picture don't stop the corpus from being built."""
    recipes = (
        Recipe("CT", "CT", "pydicom", ("CT_small.dcm",)),
        Recipe("no DICOM", "CT", "pydicom", ("README.txt",)),
        Recipe("tiny", "OT", "pydicom", ("SC_rgb_small_odd.dcm",)),
    )
    assert ["CT"] == [source.name for source in build_corpus(recipes)]


def test_files_of_equal_pixels_count_once() -> None:
    """Several encodings of one image are one picture of the source."""
    files = ("MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm")
    (one,) = build_corpus((Recipe("MR", "MR", "pydicom", files[:1]),))
    (all_three,) = build_corpus((Recipe("MR", "MR", "pydicom", files),))
    assert len(one.pictures) == len(all_three.pictures)


def test_no_patient_is_in_two_sources() -> None:
    """Each file belongs to one patient, and every held-out name is the name of a recipe."""
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


def test_a_subfolder_or_a_file_name_prefix_is_a_patient(tmp_path: Path) -> None:
    """All good and bad files of a patient form one source; other files are ignored."""
    picture = real_picture("CT_small.dcm")
    good = site(tmp_path / "good", {"p1/a.png": picture, "p1/deep/b.png": picture, "p2_1.png": picture})
    bad = site(tmp_path / "bad", {"p2_7.png": picture, "p3.png": picture})
    (good / "notes.txt").write_text("not a picture")
    (good / "broken.png").write_bytes(b"not a picture")
    found = {
        source.name: (len(source.pictures), len(source.bad_pictures), source.weight)
        for source in site_sources(SitePictures(good, bad, 2.5))
    }
    assert {"site: p1": (2, 0, 2.5), "site: p2": (1, 1, 2.5), "site: p3": (0, 1, 2.5)} == found


@pytest.mark.parametrize(("inside", "weight"), [(None, 1.0), ("text", 1.0), ("picture", 0.0)])
def test_a_site_folder_that_cannot_be_used_is_refused(
    tmp_path: Path, inside: str | None, weight: float
) -> None:
    """A missing folder, a folder without pictures and a weight of zero are refused."""
    folder = tmp_path / "good"
    if inside:
        site(folder, {"a.png": real_picture("CT_small.dcm")} if inside == "picture" else {})
        folder.mkdir(exist_ok=True)
    with pytest.raises(ValueError, match=r"folder|has no readable|must be positive"):
        site_sources(SitePictures(folder, None, weight))


def test_a_site_can_add_its_own_pictures(tmp_path: Path, quick_training: None) -> None:
    """The site's patients are in the card with their weight, and its bad pictures are a kind of their own."""
    picture = real_picture("examples_overlay.dcm")[40:140, 100:230]
    good = site(tmp_path / "good", {"a_1.png": picture})
    bad = site(tmp_path / "bad", {"b_1.png": heavy_noise(picture)})
    out = tmp_path / "out"
    out.mkdir()
    card = train(out, progress=lambda _: None, sources=small_sources(), site=SitePictures(good, bad, 3, "XA"))
    added = [source for source in card.sources if source["name"].startswith("site: ")]
    assert [("site: a", 3), ("site: b", 3)] == [(source["name"], source["weight"]) for source in added]
    assert card.patients_by_modality["XA"] == 2
    assert "XA" in card.looks
    assert "XA" in card.limits_by_modality
    assert "bad in practice" in card.metrics["nested_cross_validation"]["caught_by_kind"]


@pytest.fixture
def quick_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten training to a second: one setting, four faults, few mild changes."""
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
    """The artefact and its card depend only on the pictures and the seed, and can be loaded."""
    messages: list[str] = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        card = train(tmp_path / name, progress=messages.append, sources=small_sources())
    first, second = ((tmp_path / name / DEFAULT_MODEL.name) for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert card_path(first).read_bytes() == card_path(second).read_bytes()
    assert card.version == load_quality_model(first).version
    assert all(message.endswith(".") for message in messages)


def test_training_refuses_too_few_sources(tmp_path: Path) -> None:
    """With fewer than three patients nothing can be held out."""
    with pytest.raises(ValueError, match="at least 3 sources"):
        train(tmp_path, progress=print, sources=small_sources()[:2])
