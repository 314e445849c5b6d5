"""The dataset card: balance of the splits, warnings, and the text."""

from dataclasses import replace
from typing import Any

import orjson
import pyarrow as pa
import pytest

from tests.support.frozen_example import frozen
from training_set.card.card import card_files
from training_set.card.card_data import card_data
from training_set.card.split_balance import OTHERS, UNKNOWN, differs, split_balance
from training_set.selection.image_columns import COLUMNS, label_column
from training_set.versions.frozen_set import FrozenSet

FUNNEL = {
    "files": {"found": 50, "left_out": {"held": 10, "duplicate": 5, "skipped": 0}, "extracted": 35},
    "images": {
        "found": 40,
        "steps": [
            {"step": "good, or chosen with another verdict", "left_out": {"review": 7}, "images": 33},
            {"step": "in the set", "left_out": {"near-equal": 3}, "images": 30},
        ],
    },
    "labelled": 30,
    "verdicts": {"CT": {"good": 110, "review": 90}, "DX": {"good": 200}},
}
AGREED = {"measure": None, "kappa": None, "images": 0, "differing": 0, "cause": "none", "groups": []}


def table(patients: list[dict[str, Any]]) -> pa.Table:
    """One image of each patient, with the given columns."""
    rows = [
        dict.fromkeys(COLUMNS) | {"patient_id": f"P{number}"} | row for number, row in enumerate(patients)
    ]
    return pa.Table.from_pylist(rows, pa.schema([("split", pa.string()), *COLUMNS.items()]))


def balance(patients: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The balance of two splits by characteristic."""
    return {found["characteristic"]: found for found in split_balance(table(patients), ["train", "test"])}


def people(split: str, **numbers: int) -> list[dict[str, Any]]:
    """Patients of a split by sex."""
    return [{"split": split, "sex": sex} for sex, number in numbers.items() for _ in range(number)]


def test_a_textbook_example_of_chi_square() -> None:
    """Fisher (1934): 10 of 13 against 2 of 17 gives chi-square 13.03 and p 0.0003."""
    found = balance([*people("train", M=10, F=3), *people("test", M=2, F=15)])["sex"]
    assert {"F": {"train": 3, "test": 15}, "M": {"train": 10, "test": 2}} == found["patients"]
    assert ("chi-square", 0.0003, 30) == tuple(found["test"][name] for name in ("method", "p", "patients"))
    assert pytest.approx((13.0315 / 30) ** 0.5, abs=1e-3) == found["test"]["cramers_v"]
    assert differs(found)


def test_small_tables_are_tested_exactly() -> None:
    """Fisher's tea: 3 and 1 against 1 and 3 gives p 0.486, and the reading says how little that tells."""
    found = balance([*people("train", M=3, F=1), *people("test", M=1, F=3)])["sex"]["test"]
    assert ("Fisher's exact", 0.4857) == (found["method"], found["p"])
    assert "only a large difference would show" in found["reading"]
    larger = [*people("train", M=3, F=1, O=1), *people("test", M=1, F=3, O=1)]
    first, again = (balance(larger)["sex"]["test"] for _ in range(2))
    assert "Fisher's exact, by simulation" == first["method"]
    assert first == again


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[3, 1], [1, 3], [0, 4]], 0.2),
        ([[1, 0, 0], [1, 1, 1]], 1.0),
        ([[6, 0, 0], [0, 6, 0], [0, 0, 6]], 0.0002),
    ],
)
def test_larger_tables_are_simulated(counts: list[list[int]], expected: float) -> None:
    """The simulated p of small tables is near the one by counting all tables with the same margins."""
    patients = [
        {"split": split, "sex": sex}
        for split, row in zip(("train", "validation", "test"), counts, strict=False)
        for sex, number in zip("MFO", row, strict=False)
        for _ in range(number)
    ]
    (found, *_) = split_balance(table(patients), ["train", "validation", "test"][: len(counts)])
    assert expected == pytest.approx(found["test"]["p"], abs=0.02)


def test_unknown_values_are_shown_and_not_tested() -> None:
    """Patients without a value have a row of their own; one value or one split is not tested."""
    found = balance([*people("train", M=3), {"split": "test", "sex": None}])
    assert {"M": {"train": 3, "test": 0}, UNKNOWN: {"train": 0, "test": 1}} == found["sex"]["patients"]
    assert found["sex"]["test"]["p"] is None
    assert "Not tested" in found["view"]["test"]["reading"]


def test_a_patient_counts_once_for_a_value() -> None:
    """Several images of a patient count once; ages are in bands in their order, rare values together."""
    patients = [{"split": "train", "patient_id": "P1", "age_years": age} for age in (90.0, 17.9, 18.0, 18.5)]
    patients += [{"split": "test", "manufacturer": f"M{at}", "device_model": None} for at in range(12)]
    found = balance(patients)
    expected = {"0 to 17": 1, "18 to 39": 1, "80 and over": 1, UNKNOWN: 0}
    assert list(expected.items()) == [(band, row["train"]) for band, row in found["age"]["patients"].items()]
    assert 2 == found["device"]["patients"][OTHERS]["test"]
    assert "M0" in found["device"]["patients"]


def test_warnings_name_split_and_class() -> None:
    """A split without a class, or with fewer than ten patients with it, is warned about by label."""
    example = frozen(["a", "b"])
    values = [float(split == "train") for split in example.table["split"].to_pylist()]
    column = example.table.column_names.index(label_column("a"))
    changed = example.table.set_column(column, label_column("a"), pa.array(values))
    head = example.head | {"about": {"licence": "x", "without": "a trial"}}
    warnings = card_data(head, changed)["warnings"]
    assert "Not stated: ethics, intended use, limits: a trial." in warnings
    assert "The split validation has no image." in warnings
    assert "Label a: no image with it in test; no image without it in train." in warnings
    assert "Label b: fewer than 10 patients with it in train (8), test (3)." in warnings


def test_several_annotators_and_the_rule_last_are_warned_about() -> None:
    """The warning about the rule last is in the card; with another rule it is not."""
    read = AGREED | {"label": "a", "annotators": 3, "images": 40, "differing": 1, "differing_images": []}
    example = frozen(["a"])
    for rule, expected in (("last", 1), ("majority", 0)):
        head = example.head | {"agreement": [read], "settings": example.head["settings"] | {"rule": rule}}
        found = card_data(head, example.table)["warnings"]
        assert expected == sum("The rule last meets 40" in warning for warning in found)


def full_example() -> FrozenSet:
    """A second version with everything that a card may tell."""
    example = frozen(["a"])
    differing = {"key": "P1/1/2/3/1.png", "values": [[1, 1.0], [2, 0.0]]}
    group = {
        "annotators": [1, 2],
        "cause": None,
        "measure": "Cohen's kappa",
        "kappa": 1.0,
        "images": 29,
        "differing": 0,
    }
    agreement = group | {"label": "a", "annotators": 3, "measure": "Krippendorff's alpha", "kappa": 0.9}
    agreement |= {"images": 40, "differing": 1, "groups": [group, group], "differing_images": [differing]}
    changes = {
        "since": 1,
        "images": {"added": 2, "removed": 0, "drawn_again": 0},
        "patients": {"added": 1, "removed": 0},
        "labels": {"added": [], "removed": ["b"], "changed": {"a": 3}},
        "settings": {"seed": {"before": 0, "after": 1}},
    }
    head = example.head | {"version": 2, "funnel": FUNNEL, "agreement": [agreement], "changes": changes}
    head |= {"about": {"licence": "CC BY 4.0", "ethics": "EK 1", "intended_use": "research", "limits": "x|y"}}
    return replace(example, head=head)


def test_the_card_tells_how_the_set_came_about() -> None:
    """Statement, funnel, agreement, changes, biases, joining and every column are in text and data."""
    example = full_example()
    head = example.head
    files = card_files(head, example.table)
    text, data = files["README.md"].decode(), orjson.loads(files["card.json"])
    assert files == card_files(head, example.table)
    expected = (
        "\nlicense: cc-by-4.0\n",
        "| Limits | x\\|y |",
        f"Cite as: set, version 2. Training set, frozen by dcm2set on 2026-01-01. SHA-256 {head['digest']}",
        "| files extracted | 35 | 15 | held (10), duplicate (5) |",
        "| good, or chosen with another verdict | 33 | 7 | review (7) |",
        "| a | 3 | 40 | 1 | Krippendorff's alpha 0.900 |",
        "| a | 1, 2 | 29 | 0 | Cohen's kappa 1.000 |",
        "| a | `P1/1/2/3/1.png` | 1: 1, 2: 0 |",
        "## Changes since version 1\n\n- 2 image(s) added\n- 1 patient(s) added\n- label a: 3 image(s)",
        "passed 55.0 % of CT and 100.0 % of DX",
        "10 file(s) are held or in quarantine",
        "is shifted back by the same number of days",
        "dcm2set pseudonym --column",
        *(f"| `{name}` |" for name in COLUMNS),
    )
    assert [] == [words for words in expected if words not in text]
    assert (FUNNEL, head["changes"]) == (data["funnel"], data["changes"])
    assert {"plots/funnel.png", "plots/patients-by-split.png"} < files.keys()


@pytest.mark.parametrize(
    ("licence", "expected"),
    [("MIT", "license: mit\n"), ("by contract", 'license: other\nlicense_name: "by contract"\n')],
)
def test_the_licence_is_in_the_front_matter(licence: str, expected: str) -> None:
    """The hub's own names are used where it has one."""
    example = frozen([])
    text = card_files(example.head | {"about": {"licence": licence}}, example.table)["README.md"].decode()
    assert expected in text.split("\n---\n")[0] + "\n"


def test_versions_of_before_have_a_card() -> None:
    """A manifest without statement, funnel and agreement, as of earlier versions, still gives a card."""
    example = frozen(["a"])
    head = {name: value for name, value in example.head.items() if name != "about"}
    files = card_files(head, example.table)
    assert "From the archive" not in files["README.md"].decode()
    assert "plots/funnel.png" not in files
