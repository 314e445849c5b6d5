"""The dataset card on real servers: statement, funnel, agreement, changes and warnings."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.training_sets.export import settings_statement
from tests.support.exported_folder import files_of
from tests.support.set_pictures import labelled_patients
from tests.support.set_rows import SetImage, add_labels
from tests.support.training_set_site import Site

STATED = ("--licence", "MIT", "--ethics", "EK 7", "--intended-use", "research", "--limits", "one site")


def card_of(folder: Path) -> dict[str, Any]:
    """The card of an exported folder as data."""
    return dict(json.loads((folder / "card.json").read_text(encoding="utf-8")))


def test_a_statement_is_asked_for_once(
    site: Site, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new set without a statement is refused at once; a given one holds for later versions."""
    site.add(labelled_patients(1, 12))
    refused = site.run("export", name, "--out", str(tmp_path / "a"), code=2, stated=False).stderr
    assert "lacks licence, ethics, intended use and limits. Give --licence" in refused
    assert "--without-statement" in refused
    assert [(0,)] == site.rows("select count(*) from training_set_version")
    site.export(name, tmp_path / "a", *STATED)
    assert not site.export(name, tmp_path / "b", stated=False)["is_new"]
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    changed = site.export(name, tmp_path / "c", "--limits", "two sites", stated=False)
    assert (2, True) == (changed["version"], changed["is_new"])
    card = card_of(tmp_path / "c")
    expected = {"licence": "MIT", "ethics": "EK 7", "intended_use": "research", "limits": "two sites"}
    assert expected == card["statement"]
    assert {"limits": {"before": "one site", "after": "two sites"}} == card["changes"]["settings"]
    monkeypatch.setenv("DCM2SET_SET_LICENCE", "by contract")
    assert {"licence": "by contract"} == settings_statement()
    site.export(f"{name}-b", tmp_path / "d", *STATED[2:], stated=False)
    assert "by contract" == card_of(tmp_path / "d")["statement"]["licence"]
    refused = site.run("export", name, "--version", "1", "--licence", "x", "--out", str(tmp_path), code=2)
    assert "allows no options of a new version" in refused.stderr


def test_a_version_without_a_statement_stays(site: Site, name: str, tmp_path: Path) -> None:
    """A version of before is exported again byte for byte; only a new one needs a statement."""
    site.add(labelled_patients(1, 12))
    site.export(name, tmp_path / "a")
    with psycopg.connect(site.url) as connection:
        connection.execute("update training_set_version set options = options - 'about'")
    assert not site.export(name, tmp_path / "b", stated=False)["is_new"]
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    site.add(labelled_patients(50, 3))
    refused = site.run("export", name, "--out", str(tmp_path / "c"), code=2, stated=False).stderr
    assert "lacks licence" in refused
    site.export(name, tmp_path / "b", "--version", "1")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_the_funnel_closes(site: Site, name: str, tmp_path: Path) -> None:
    """Every image of the database is left out for one cause, or in the set, with the database's numbers."""
    images = site.add(labelled_patients(1, 12))
    others = [
        *(SetImage(100 + number, verdict="black") for number in range(3)),
        *(SetImage(200 + number, verdict="low_quality", is_localizer=number == 0) for number in range(2)),
        *(SetImage(300 + number, is_localizer=True) for number in range(4)),
        *(SetImage(400 + number) for number in range(5)),
        *(SetImage(500 + number, modality="CT", labels={"Effusion": 1.0}) for number in range(6)),
    ]
    site.add_rows(others)
    with psycopg.connect(site.url) as connection:
        uid = others[-1].path.sop_instance_uid
        connection.execute("delete from verdict where sop_instance_uid = %s", [uid])
    site.export(name, tmp_path / "a", "--where", "modality = 'DX' and labels > 0")
    funnel = card_of(tmp_path / "a")["funnel"]
    found = funnel["images"]
    assert site.rows("select count(*) from image_allocation") == [(found["found"],)]
    expected = [
        {"not judged yet": 1},
        {"black": 3, "low_quality": 2},
        {"localizer": 4},
        {"without a label": 5},
        {"not what the condition asks for": 5},
        {},
    ]
    assert expected == [step["left_out"] for step in found["steps"]]
    remaining = found["found"]
    for step in found["steps"]:
        remaining -= sum(step["left_out"].values())
        assert remaining == step["images"]
    assert len(images) == remaining == funnel["labelled"]
    files = funnel["files"]
    assert files["found"] == files["extracted"] + sum(files["left_out"].values())
    assert "| labelled | " in (tmp_path / "a" / "README.md").read_text()


def test_readings_of_several_annotators_are_in_the_card(site: Site, name: str, tmp_path: Path) -> None:
    """29 images of two and 11 of three readers: all 40 count, the odd one is listed, last is warned about."""
    first = [
        SetImage(number, labels={"Effusion": float(number % 2)}, annotator="a") for number in range(1, 41)
    ]
    images = site.add(first)
    with psycopg.connect(site.url) as connection:
        add_labels(connection, [replace(image, annotator="b") for image in images])
        third = [replace(image, annotator="c") for image in images[:11]]
        third[0] = replace(third[0], labels={"Effusion": 0.0})
        add_labels(connection, third)
    summary = site.export(name, tmp_path / "a", "--rule", "last")
    (found,) = card_of(tmp_path / "a")["agreement"]
    assert ("Krippendorff's alpha", 40, 1, 3) == tuple(
        found[part] for part in ("measure", "images", "differing", "annotators")
    )
    assert 0.9 < found["kappa"] < 1
    groups = [(group["annotators"], group["images"], group["differing"]) for group in found["groups"]]
    assert [([1, 2], 29, 0), ([1, 2, 3], 11, 1)] == groups
    odd = {"key": images[0].key, "values": [[1, 1.0], [2, 1.0], [3, 0.0]]}
    assert [odd] == found["differing_images"]
    assert [text for text in summary["warnings"] if "The rule last meets 40" in text]
    text = site.run("export", name, "--out", str(tmp_path / "a")).stdout
    assert "warning: The rule last meets 40" in text
    majority = site.export(name, tmp_path / "b", "--rule", "majority")
    assert not [text for text in majority["warnings"] if "The rule last" in text]
    changes = card_of(tmp_path / "b")["changes"]
    assert {"rule": {"before": "last", "after": "majority"}} == changes["settings"]
    assert {"Effusion": 1} == changes["labels"]["changed"]
