"""The vocabulary file."""

from pathlib import Path

import pytest

from common.errors import SettingsError
from functions.annotations.formats.vocabulary import Vocabulary, read_vocabulary


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
