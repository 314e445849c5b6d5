"""The vocabulary file, and the agreement of annotators."""

from pathlib import Path

import pytest

from common.errors import SettingsError
from functions.annotations.formats.vocabulary import Vocabulary, read_vocabulary
from infra.labelling.label_agreement import Pattern, agreement


def test_without_a_vocabulary_labels_of_harmless_words_are_allowed() -> None:
    """Without a file, a label of harmless words is allowed; spaces around it are removed."""
    assert "a b" == read_vocabulary(None).label(" a b\u00a0")


def test_vocabulary_file(tmp_path: Path) -> None:
    """The listed labels and the labels that controls offer are known."""
    path = tmp_path / "labels.toml"
    path.write_text('labels = ["a"]\n[controls]\nfinding = ["b", "c"]\n"3/view" = ["PA"]\n')
    found = read_vocabulary(path)
    assert Vocabulary(frozenset({"a", "b", "c", "PA"}), {"finding": ("b", "c"), "3/view": ("PA",)}) == found
    assert (["b", "c", "PA"], ["b", "c"]) == (found.offered("3"), found.offered("4"))


@pytest.mark.parametrize(
    "text",
    ["", "labels = []", "labels = 'a'", "labels = [1]", "controls = 1", "[controls]\na = 'b'", "x = 1", "="],
)
def test_wrong_vocabulary_file_is_named(tmp_path: Path, text: str) -> None:
    """A wrong or missing vocabulary file is reported with the name of its setting."""
    path = tmp_path / "labels.toml"
    for _ in range(2):
        with pytest.raises(SettingsError, match="DCM2SET_LABEL_VOCABULARY"):
            read_vocabulary(path)
        path.write_text(text)


def test_cohens_kappa() -> None:
    """Two annotators: a textbook example with 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no gives 0.4."""
    votes = [((1, 1), 20), ((1, 0), 5), ((0, 1), 10), ((0, 0), 15)]
    found = agreement([Pattern((1, 2), vote, images) for vote, images in votes])
    assert ("Cohen's kappa", 50) == (found.measure, found.images)
    assert 0.4 == pytest.approx(found.kappa)


def test_fleiss_kappa() -> None:
    """Three annotators: all agree on two images, two of three on the others."""
    votes = [(1, 1, 1), (0, 0, 0), (1, 1, 0), (0, 0, 1)]
    found = agreement([Pattern((1, 2, 3), vote, 1) for vote in votes])
    assert ("Fleiss' kappa", 4) == (found.measure, found.images)
    assert 1 / 3 == pytest.approx(found.kappa)


def test_fleiss_kappa_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, the cause names the package to install."""
    monkeypatch.setattr("infra.labelling.label_agreement.find_spec", lambda _: None)
    found = agreement([Pattern((1, 2, 3), votes, 1) for votes in ((1, 1, 1), (0, 0, 0))])
    assert (None, 2) == (found.kappa, found.images)
    assert "pip install 'dcm2set[training-sets]'" in str(found.cause)


def test_changing_pairs_give_fleiss_kappa() -> None:
    """If the two annotators are not always the same, the measure is Fleiss' kappa."""
    found = agreement(
        [Pattern((1, 2), (1, 1), 3), Pattern((1, 3), (0, 0), 3), Pattern((1, 2, 3), (1, 1, 0), 1)]
    )
    assert ("Fleiss' kappa", 6, 1.0) == (found.measure, found.images, found.kappa)


def test_agreement_that_is_not_defined() -> None:
    """Without two annotators, or if all labels are the same, there is no kappa."""
    assert "two annotators" in str(agreement([]).cause)
    found = agreement([Pattern((1, 2), (1, 1), 9)])
    assert (None, 9) == (found.kappa, found.images)
