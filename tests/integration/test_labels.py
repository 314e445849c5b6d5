"""The import of labels on real servers."""

from pathlib import Path

import orjson
import pytest

from common.store.object_key import Location
from deidentification.profile import Profile
from deidentification.pseudonym import Pseudonyms
from functions.extract.deidentified_instance import deidentify
from imaging.frames.image_file import read_image_file
from imaging.options import Limits
from tests.support.image_rows import image_rows
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance
from tests.support.repository import ROOT
from tests.support.uids import uid

EXAMPLES = ROOT / "docs" / "labels"


def extracted(home: RunningHome, number: int) -> dict:
    """Extract a new image and return its row."""
    key = f"incoming/labels/{number}.dcm"
    home.put(key, make_instance(number, patient=103))
    return image_rows(home, home.settled("extract", key)["sop_instance_uid"], 1)[0]


def test_labels_find_their_images_and_a_report_is_written(home: RunningHome) -> None:
    """Images are found by S3 URL, key or end of key; wrong rows are refused, unknown images held."""
    image = extracted(home, 1)
    tail = "/".join(image["key"].split("/")[-2:])
    rows = [
        "image,label,value",
        f"s3://{image['bucket']}/{image['key']},fracture,1",
        f"{image['key']},effusion,0",
        f"{tail},nodule,-1",
        f"{image['key']},oedema,perhaps",
        f"{uid(3)}/1.png,fracture,1",
    ]
    home.put("team a/first.csv", "\n".join(rows).encode(), bucket="annotations")
    item = home.settled("annotations", "team a/first.csv")
    assert ("done", "imported") == (item["state"], item["outcome"])
    labels = home.rows(
        "select label, value from current_label where sop_instance_uid = %s order by label",
        image["sop_instance_uid"],
    )
    assert [("effusion", 0.0), ("fracture", 1.0), ("nodule", -1.0)] == [
        (r["label"], r["value"]) for r in labels
    ]
    location = Location("annotations", "processed/team a/first.csv.report.json")
    report = orjson.loads(home.store.read(home.store.stat(location)))
    assert ("long table", 3, 1, 1) == tuple(
        report[name] for name in ("format", "accepted", "held", "refused")
    )
    assert [{"line": 5, "cause": "value is not a number."}] == report["refused_rows"]


def test_held_labels_are_applied_when_their_image_arrives(home: RunningHome, tmp_path: Path) -> None:
    """The sweep applies a label that came before its image as soon as the image exists."""
    key = _future_key(home, make_instance(3, patient=103), tmp_path)
    home.put("early.csv", f"image,label,value\n{key},fracture,1".encode(), bucket="annotations")
    assert "imported" == home.settled("annotations", "early.csv")["outcome"]
    assert [{"held": 1}] == home.rows("select count(*)::int as held from held_label where path = %s", key)
    image = extracted(home, 3)
    assert key == image["key"]

    def applied() -> list[dict]:
        return home.rows(
            "select value from current_label where sop_instance_uid = %s", image["sop_instance_uid"]
        )

    assert [{"value": 1.0}] == wait_for(applied, seconds=30)


def _future_key(home: RunningHome, body: bytes, folder: Path) -> str:
    """Return the key that a file's image will get; the same key gives the same pseudonyms."""
    path = folder / "future.dcm"
    path.write_bytes(body)
    secrets = orjson.loads((home.folder / "secrets.json").read_bytes())
    pseudonyms = Pseudonyms(bytes.fromhex(secrets["pseudonym_key"]))
    return deidentify(read_image_file(path, Limits()), pseudonyms, Profile()).path.frame(1)


def test_a_post_without_an_event(home: RunningHome) -> None:
    """A POST without a body answers no_updates if nothing is due."""
    home.wait_until_idle()
    answer = home.post("annotations")
    assert (200, {"status": "no_updates"}) == (answer.status, answer.json())


def test_a_file_without_the_columns_is_quarantined(home: RunningHome) -> None:
    """A label file without the required columns is quarantined, and the cause names them."""
    home.put("bad.csv", b"a,b\n1,2\n", bucket="annotations")
    item = home.settled("annotations", "bad.csv")
    assert "quarantined" == item["state"]
    assert "no column image, label." in item["cause"]


def test_the_same_file_again_changes_nothing(home: RunningHome) -> None:
    """A label file that is delivered twice gives each label once."""
    image = extracted(home, 4)
    body = f"image,label,value\n{image['key']},fracture,1\n".encode()
    home.put("same.csv", body, bucket="annotations")
    first = home.settled("annotations", "same.csv")
    home.put("same.csv", body, bucket="annotations")
    gone = wait_for(lambda: not list(home.store.list_prefix("annotations", "same.csv")), seconds=30)
    assert gone
    assert first == home.item("annotations", "same.csv")
    labels = home.rows(
        "select 1 from label join image_allocation using (image_id) where sop_instance_uid = %s",
        image["sop_instance_uid"],
    )
    assert 1 == len(labels)


def test_every_example_file_is_imported(home: RunningHome) -> None:
    """Each file in docs/labels/ has a documented format, and none of its rows is refused."""
    formats = {}
    for path in sorted(EXAMPLES.iterdir()):
        if path.suffix == ".toml":
            continue
        home.put(f"examples/{path.name}", path.read_bytes(), bucket="annotations")
        assert "imported" == home.settled("annotations", f"examples/{path.name}")["outcome"], path.name
        location = Location("annotations", f"processed/examples/{path.name}.report.json")
        report = orjson.loads(home.store.read(home.store.stat(location)))
        assert (0, []) == (report["refused"], report["refused_rows"]), path.name
        assert report["held"] > 0
        formats[path.name] = report["format"]
    assert {"long table", "wide table", "ChestX-ray14", "Label Studio", "JSON"} == set(formats.values())


def test_labels_of_a_study_apply_to_later_images(home: RunningHome, tmp_path: Path) -> None:
    """A row about a study labels all of its images, also one that arrives later."""
    key = _future_key(home, make_instance(5, patient=104), tmp_path)
    text = f"study_instance_uid,label,value\n{key.split('/')[1]},entire study,1"
    home.put("study.csv", text.encode(), bucket="annotations")
    assert "imported" == home.settled("annotations", "study.csv")["outcome"]
    key = "incoming/labels/later.dcm"
    home.put(key, make_instance(5, patient=104))
    uid = home.settled("extract", key)["sop_instance_uid"]
    found = home.rows("select label, value from current_label where sop_instance_uid = %s", uid)
    assert [{"label": "entire study", "value": 1.0}] == found


VOTES = [(1,), (0,), (-1,), (1, 0), (1, 1, 0), (1, -1), (0, -1), (1, 1), (0, 0, 0)]
RESULTS = {  # by rule, for each of the votes above; the last vote is the latest
    "last": [1, 0, -1, 0, 0, -1, -1, 1, 0],
    "majority": [1, 0, -1, -1, 1, -1, -1, 1, 0],
    "any": [1, 0, -1, 1, 1, 1, -1, 1, 0],
    "all": [1, 0, -1, 0, 0, -1, 0, 1, 0],
}


@pytest.mark.parametrize("rule", RESULTS)
def test_rules_combine_labels(home: RunningHome, rule: str) -> None:
    """The rules are last, majority, any and all; then uncertain is kept, 0, 1 or missing."""
    image = extracted(home, 6)
    rows = [
        f"{image['key']},finding {number},{vote},reader {who},2026-01-0{who + 1}"
        for number, votes in enumerate(VOTES)
        for who, vote in enumerate(votes)
    ]
    body = "\n".join(["image,label,value,annotator,time", *rows]).encode()
    home.put("votes.csv", body, bucket="annotations")
    assert "imported" == home.settled("annotations", "votes.csv")["outcome"]
    for uncertain in ("keep", "0", "1", "missing"):
        found = home.rows(
            "select value from current_labels(%s, %s) l join label_name n on n.id = l.label_id "
            "where n.name like 'finding %%' order by n.name",
            rule,
            uncertain,
        )
        replaced = {"keep": -1, "0": 0, "1": 1, "missing": None}[uncertain]
        expected = [replaced if value == -1 else value for value in RESULTS[rule]]
        assert [value for value in expected if value is not None] == [row["value"] for row in found]


def test_the_command_shows_labels_and_agreement(home: RunningHome) -> None:
    """`dcm2set labels` shows counts, held labels, and kappa where it is defined."""
    images = [extracted(home, number)["key"] for number in (7, 8)]
    rows = [f"{key},mass,{value},{who}" for who in "AB" for value, key in enumerate(images)]
    rows += [f"{images[0]},nodules,1,A", f"{uid(404)}/1.png,mass,1,A"]
    home.put("two.csv", "\n".join(["image,label,value,annotator", *rows]).encode(), bucket="annotations")
    assert "imported" == home.settled("annotations", "two.csv")["outcome"]
    summary = orjson.loads(home.run_cli("labels", "--json").stdout)
    found = {row["label"]: row for row in summary["labels"]}
    agreed = found["mass"]
    assert (2, 1, 1, 0, 2, 1) == tuple(
        agreed[name] for name in ("images", "positive", "negative", "uncertain", "annotators", "held")
    )
    assert ("Cohen's kappa", 1.0) == (agreed["agreement"]["measure"], agreed["agreement"]["kappa"])
    assert found["nodules"]["agreement"]["kappa"] is None
    text = home.run_cli("labels", "--rule", "all").stdout
    assert "Cohen's kappa 1.000 over 2 image(s)" in text
    assert "not defined" in text
    assert "Warning" not in text


def test_images_of_three_readers_count(home: RunningHome) -> None:
    """A third reader who differs lowers the agreement, is listed with every value, and gives a warning."""
    first, second = (extracted(home, number)["key"] for number in (7, 8))
    rows = [f"{key},hernia,{value},{who}" for who in "AB" for key, value in ((first, 1), (second, 0))]
    rows.append(f"{first},hernia,0,C")
    home.put("three.csv", "\n".join(["image,label,value,annotator", *rows]).encode(), bucket="annotations")
    assert "imported" == home.settled("annotations", "three.csv")["outcome"]
    summary = orjson.loads(home.run_cli("labels", "--rule", "last", "--json").stdout)
    found = next(row["agreement"] for row in summary["labels"] if row["label"] == "hernia")
    assert ("Krippendorff's alpha", 2, 1) == (found["measure"], found["images"], found["differing"])
    assert found["kappa"] < 1
    groups = [(group["annotators"], group["images"], group["differing"]) for group in found["groups"]]
    assert [(["A", "B"], 1, 0), (["A", "B", "C"], 1, 1)] == groups
    expected = {"key": first, "values": [["A", 1.0], ["B", 1.0], ["C", 0.0]]}
    assert [expected] == found["differing_images"]
    text = home.run_cli("labels", "--rule", "last").stdout
    assert f"differs: {first}  A 1, B 1, C 0" in text
    assert "Warning: The rule last meets" in text


def test_a_huge_line_and_binary_garbage_are_harmless(home: RunningHome) -> None:
    """A line of many megabytes is refused by its number; a file that isn't text is quarantined."""
    image = extracted(home, 9)
    rows = [f"{image['key']},edema,1".encode(), b"x" * 100_000_000, f"{image['key']},hernia,1".encode()]
    home.put("huge.csv", b"\n".join([b"image,label,value", *rows]), bucket="annotations")
    assert "imported" == home.settled("annotations", "huge.csv")["outcome"]
    location = Location("annotations", "processed/huge.csv.report.json")
    report = orjson.loads(home.store.read(home.store.stat(location)))
    assert (2, [{"line": 3, "cause": "The line is too long."}]) == (
        report["accepted"],
        report["refused_rows"],
    )
    home.put("garbage.csv", bytes(range(256)) * 1000, bucket="annotations")
    assert "quarantined" == home.settled("annotations", "garbage.csv")["state"]
