"""Tasks out, labels in, through a real Label Studio and its cloud storages."""

import json
from typing import Any

import pytest

from common.store.object_key import Location
from tests.label_studio.conftest import LabelStudio
from tests.support.local_home import Row, RunningHome, wait_for
from tests.support.real_files import make_instance


@pytest.fixture(scope="module")
def image(home: RunningHome) -> Row:
    """An image that annotators are asked about."""
    home.put("incoming/round/1.dcm", make_instance(1, patient=401))
    uid = home.settled("extract", "incoming/round/1.dcm")["sop_instance_uid"]
    home.wait_until_idle()
    (row,) = home.rows("select * from image_overview where sop_instance_uid = %s", uid)
    return row


@pytest.fixture(scope="module")
def project(home: RunningHome, image: Row, label_studio: LabelStudio) -> dict[str, Any]:
    """A project with both storages as `dcm2set tasks` tells them, after its sync."""
    where = f"sop_instance_uid = '{image['sop_instance_uid']}'"
    done = home.run_cli(
        "tasks", "round", "--where", where, "--label", "Effusion", "--label", "Nodule", "--json"
    )
    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout)
    assert (1, 0, 0) == (told["written"], told["there"], told["gone"])
    keys = json.loads((home.folder / "labelling.json").read_text())
    access = {"aws_access_key_id": keys["access_key"], "aws_secret_access_key": keys["secret_key"]}
    asked = {"title": "Round trip", "label_config": told["labelling_config"]}
    number = label_studio.call("POST", "/api/projects", asked)["id"]
    storages = {}
    for kind, path in (("source", "/api/storages/s3"), ("target", "/api/storages/export/s3")):
        fields = {name: value for name, value in told["storages"][kind].items() if name != "s3_endpoint"}
        storages[kind] = label_studio.call(
            "POST", path, {**fields, **access, "project": number, "title": kind}
        )
    label_studio.call("POST", f"/api/storages/s3/{storages['source']['id']}/sync", {})
    return {"id": number, "target": storages["target"]["id"]}


@pytest.fixture(scope="module")
def task(project: dict[str, Any], label_studio: LabelStudio) -> dict[str, Any]:
    """The one task it was given."""
    (task,) = label_studio.call("GET", f"/api/tasks?project={project['id']}&fields=all")["tasks"]
    return task


def choices(*chosen: str) -> dict[str, Any]:
    """An annotation with some labels ticked."""
    value = {"choices": list(chosen)}
    return {"result": [{"from_name": "labels", "to_name": "image", "type": "choices", "value": value}]}


def labels(home: RunningHome, image: Row) -> dict[str, float]:
    """What now holds of the image."""
    query = "select label, value from current_label where sop_instance_uid = %s and frame = %s"
    return {r["label"]: r["value"] for r in home.rows(query, image["sop_instance_uid"], image["frame"])}


def test_the_image_is_shown(home: RunningHome, image: Row, task: dict[str, Any], label_studio) -> None:
    """Label Studio's user opens the copy in `labelling`, byte for byte the image."""
    stored = home.store.stat(Location(image["bucket"], image["key"]))
    assert home.store.read(stored) == label_studio.picture(task["data"]["image"])


def test_an_annotation_becomes_a_label_and_its_change_another(
    home: RunningHome, image: Row, project: dict[str, Any], task: dict[str, Any], label_studio: LabelStudio
) -> None:
    """Written by the target storage, imported by its event; ticked anew, the label before no longer holds."""
    made = label_studio.call("POST", f"/api/tasks/{task['id']}/annotations/", choices("Effusion"))
    assert wait_for(lambda: labels(home, image).get("Effusion") == 1, seconds=60)
    label_studio.call("PATCH", f"/api/annotations/{made['id']}/", choices("Nodule"))
    label_studio.call("POST", f"/api/storages/export/s3/{project['target']}/sync", {})
    assert wait_for(lambda: labels(home, image).get("Nodule") == 1, seconds=60)
    assert 0 == labels(home, image).get("Effusion", 0)
    home.wait_until_idle()


def test_the_export_of_the_project_says_the_same(
    home: RunningHome, image: Row, project: dict[str, Any], task: dict[str, Any], label_studio: LabelStudio
) -> None:
    """Its JSON export, put into `annotations`, changes nothing: the same annotator said the same."""
    before = labels(home, image)
    assert before
    exported = label_studio.call("GET", f"/api/projects/{project['id']}/export?exportType=JSON")
    home.put("export.json", json.dumps(exported).encode(), bucket="annotations")
    assert "imported" == home.settled("annotations", "export.json")["outcome"]
    assert before == labels(home, image)
    (row,) = home.rows("select count(distinct annotator_id) as annotators from label")
    assert 1 == row["annotators"]
