"""Tasks go to a real Label Studio and labels come back through its cloud storages."""

import json
from typing import Any

import pytest

from common.store.object_key import Location
from tests.label_studio.label_studio import LabelStudio
from tests.support.image_rows import IMAGES_OF_INSTANCE
from tests.support.local_home import Row, RunningHome, wait_for
from tests.support.real_files import make_instance


@pytest.fixture(scope="module")
def image(home: RunningHome) -> Row:
    """An image to annotate."""
    home.put("incoming/round/1.dcm", make_instance(1, patient=401))
    uid = home.settled("extract", "incoming/round/1.dcm")["sop_instance_uid"]
    home.wait_until_idle()
    (row,) = home.rows(IMAGES_OF_INSTANCE, uid)
    return row


@pytest.fixture(scope="module")
def project(home: RunningHome, image: Row, label_studio: LabelStudio) -> dict[str, Any]:
    """A synchronized project with both storages as `dcm2set tasks` prints them."""
    where = f"sop_instance_uid = '{image['sop_instance_uid']}'"
    done = home.run_cli(
        "tasks", "round", "--where", where, "--label", "Effusion", "--label", "Nodule", "--json"
    )
    assert 0 == done.returncode, done.stderr
    result = json.loads(done.stdout)
    assert (1, 0, 0) == (result["written"], result["there"], result["gone"])
    keys = json.loads((home.folder / "labelling.json").read_text())
    access = {"aws_access_key_id": keys["access_key"], "aws_secret_access_key": keys["secret_key"]}
    request = {"title": "Round trip", "label_config": result["labelling_config"]}
    number = label_studio.call("POST", "/api/projects", request)["id"]
    storages = {}
    for kind, path in (("source", "/api/storages/s3"), ("target", "/api/storages/export/s3")):
        fields = {name: value for name, value in result["storages"][kind].items() if name != "s3_endpoint"}
        storages[kind] = label_studio.call(
            "POST", path, {**fields, **access, "project": number, "title": kind}
        )
    label_studio.call("POST", f"/api/storages/s3/{storages['source']['id']}/sync", {})
    return {"id": number, "target": storages["target"]["id"]}


@pytest.fixture(scope="module")
def task(project: dict[str, Any], label_studio: LabelStudio) -> dict[str, Any]:
    """The only task of the project."""
    (task,) = label_studio.call("GET", f"/api/tasks?project={project['id']}&fields=all")["tasks"]
    return task


def choices(*chosen: str) -> dict[str, Any]:
    """Return an annotation with the chosen labels."""
    value = {"choices": list(chosen)}
    return {"result": [{"from_name": "labels", "to_name": "image", "type": "choices", "value": value}]}


def labels(home: RunningHome, image: Row) -> dict[str, float]:
    """Return the current labels of the image."""
    query = "select label, value from current_label where sop_instance_uid = %s and frame = %s"
    return {r["label"]: r["value"] for r in home.rows(query, image["sop_instance_uid"], image["frame"])}


def test_the_image_is_shown(home: RunningHome, image: Row, task: dict[str, Any], label_studio) -> None:
    """Label Studio shows the copy in `labelling`, which equals the image byte for byte."""
    stored = home.store.stat(Location(image["bucket"], image["key"]))
    assert home.store.read(stored) == label_studio.picture(task["data"]["image"])


def test_annotations_and_their_changes_become_labels(
    home: RunningHome, image: Row, project: dict[str, Any], task: dict[str, Any], label_studio: LabelStudio
) -> None:
    """An annotation is imported by its event, and a changed annotation replaces the earlier label."""
    made = label_studio.call("POST", f"/api/tasks/{task['id']}/annotations/", choices("Effusion"))
    assert wait_for(lambda: labels(home, image).get("Effusion") == 1, seconds=60)
    label_studio.call("PATCH", f"/api/annotations/{made['id']}/", choices("Nodule"))
    label_studio.call("POST", f"/api/storages/export/s3/{project['target']}/sync", {})
    assert wait_for(lambda: labels(home, image).get("Nodule") == 1, seconds=60)
    assert 0 == labels(home, image).get("Effusion", 0)
    home.wait_until_idle()


def test_the_export_of_the_project_has_the_same_labels(
    home: RunningHome, image: Row, project: dict[str, Any], task: dict[str, Any], label_studio: LabelStudio
) -> None:
    """The project's JSON export in `annotations` changes nothing: same annotator, same labels."""
    before = labels(home, image)
    assert before
    exported = label_studio.call("GET", f"/api/projects/{project['id']}/export?exportType=JSON")
    home.put("export.json", json.dumps(exported).encode(), bucket="annotations")
    assert "imported" == home.settled("annotations", "export.json")["outcome"]
    assert before == labels(home, image)
    (row,) = home.rows("select count(distinct annotator_id) as annotators from label")
    assert 1 == row["annotators"]
