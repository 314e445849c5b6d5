"""The dictionary of the columns of a training set."""

import pytest

from training_set.selection.image_columns import (
    COLUMNS,
    DESCRIPTIONS,
    FOLD,
    column_description,
    label_column,
)


def test_every_column_is_described_in_one_sentence() -> None:
    """Each column of images.parquet has one plain sentence; no two columns share it."""
    assert ["file_name", "split", FOLD, *COLUMNS] == list(DESCRIPTIONS)
    assert len(DESCRIPTIONS) == len(set(DESCRIPTIONS.values()))
    for name, text in DESCRIPTIONS.items():
        assert text.endswith("."), name
        assert ". " not in text, name
        assert "\n" not in text, name


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("age_years", "years"),
        ("slice_thickness", "mm"),
        ("kvp", "kV"),
        ("rows", "pixels"),
        ("score", "0 to 1"),
    ],
)
def test_measures_have_their_unit(name: str, unit: str) -> None:
    """The description of a measure states its unit or its range."""
    assert f" {unit}" in DESCRIPTIONS[name]


def test_labels_are_described() -> None:
    """A label's column explains its values; an unknown column has no description."""
    assert column_description(label_column("Effusion")).startswith("Label Effusion: 1 present, 0 absent")
    with pytest.raises(KeyError):
        column_description("bucket")
