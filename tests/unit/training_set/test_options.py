"""The options of a version: how they are stored, and how label sets are written."""

import orjson
import pytest

from common.errors import PermanentError
from infra.training_sets.label_sets import parse_label_sets
from training_set.selection.options import ALL_LABELS, Options


def test_options_that_are_not_used_are_not_stored() -> None:
    """A set without the later options has the manifest of before they existed, and reads old ones."""
    old = {
        "where": "",
        "labels": ["A"],
        "rule": "last",
        "uncertain": "keep",
        "splits": {"train": 1.0},
        "seed": 0,
    }
    options = Options(labels=("A",), splits={"train": 1.0})
    assert old == orjson.loads(orjson.dumps(options.to_json()))
    assert options == Options.from_json(old)
    used = options.changed(
        split_by="device", fixed_test=2, folds=5, label_sets={"b": ("A",), "a": ("B", "C")}
    )
    stored = orjson.loads(orjson.dumps(used.to_json()))
    assert {*old, "split_by", "fixed_test", "folds", "label_sets"} == stored.keys()
    assert used == Options.from_json(stored)
    assert options.changed(labels=ALL_LABELS).labels is None
    assert ("A",) == options.changed(labels=None).labels


def test_label_sets_are_parsed() -> None:
    """Sets are sorted by name, labels are not; a quoted name may have a comma."""
    assert {"a": ("X, left", "B"), "devices-1": ("Tube",)} == parse_label_sets(
        ["devices-1=Tube,Tube", 'a="X, left", B']
    )
    for texts in (["=A"], ["A=b"], ["../a=b"], ["a=b", "a=c"], ["a"], ["a=b,,c"]):
        with pytest.raises(PermanentError):
            parse_label_sets(texts)
