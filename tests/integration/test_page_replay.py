"""The pages of items, folders, quarantine and audit on a running home, with the rights of its function."""

import pytest

from functions.review.files.file_list import STATES as FILE_STATES
from functions.review.items.item_list import STATES as ITEM_STATES
from tests.support.local_home import Row, RunningHome, wait_for
from tests.support.page_client import PageClient
from tests.support.real_files import make_instance

_NO_DICOM = "incoming/Pagemarker^Jane/note.txt"


@pytest.fixture(scope="module")
def operator(home: RunningHome) -> PageClient:
    """A signed-in operator."""
    return PageClient.of(home, "operator")


def _again(home: RunningHome, function: str, key: str) -> Row | None:
    """The row of an item that was quarantined at its second attempt."""

    def row() -> Row | None:
        found = home.item(function, key)
        return found if found and (found["state"], found["attempts"]) == ("quarantined", 2) else None

    return wait_for(row, seconds=60)


def test_a_file_is_put_back_from_the_page(home: RunningHome, operator: PageClient) -> None:
    """It is worked on again; since it is still not DICOM, it is quarantined at its second attempt."""
    home.put(_NO_DICOM, b"not DICOM at all")
    item = home.settled("extract", _NO_DICOM)
    assert "quarantined" == item["state"]
    answer = operator.post("/quarantine/replay", form_of="/quarantine/", item=str(item["id"]))
    assert (303, "/quarantine/?put_back=1") == (answer.status, answer.headers["Location"])
    assert _again(home, "extract", _NO_DICOM), home.item("extract", _NO_DICOM)
    shown = operator.get(f"/items/{item['id']}").data.decode()
    assert "attempt 1 quarantined" in shown
    assert "attempt 2 quarantined" in shown
    assert "marker" not in (shown + operator.get("/quarantine/").data.decode()).lower()
    assert f"item {item['id']}</a>" in operator.get("/audit/?action=replay").data.decode()


def test_items_of_one_cause_are_put_back(home: RunningHome, operator: PageClient) -> None:
    """Label files too: each function's object goes back to its own bucket."""
    key = "page/garbage.csv"
    home.put(key, bytes(range(256)) * 40, bucket="annotations")
    item = home.settled("annotations", key)
    assert "quarantined" == item["state"]
    fields = {"function": "annotations", "cause": item["cause"]}
    answer = operator.post("/quarantine/replay", form_of="/quarantine/", **fields)
    assert 303 == answer.status, answer.data.decode()
    assert _again(home, "annotations", key), home.item("annotations", key)


def test_every_page_has_the_rights_that_it_needs(home: RunningHome, operator: PageClient) -> None:
    """The time line, the picture from the object store, the folders and the audit with its CSV file."""
    home.put("incoming/Pagemarker^Jane/1.dcm", make_instance(1, patient=961))
    item = home.settled("extract", "incoming/Pagemarker^Jane/1.dcm")
    home.wait_until_idle()
    uid = item["sop_instance_uid"]
    answer = operator.post("/items/", form_of="/items/", name=f"{uid}/1")
    assert (303, f"/items/image/{uid}/1") == (answer.status, answer.headers["Location"])
    assert "image 1 judged" in operator.get(f"/items/image/{uid}/1").data.decode()
    assert operator.get(f"/images/{uid}/1.png").data.startswith(b"\x89PNG")
    reviewer = PageClient.of(home, "reviewer")
    name = "s3://raw/incoming/Pagemarker^Jane/1.dcm"
    found = reviewer.post("/items/", form_of="/items/", name=name)
    assert (303, f"/items/{item['id']}") == (found.status, found.headers["Location"])
    assert 404 == operator.post("/items/", form_of="/items/", name=name).status
    lists = [f"/files/?state={state}" for state in FILE_STATES]
    lists += [f"/items/list/?function=extract&state={state}" for state in (*ITEM_STATES, "unsettled")]
    lists += ["/files/?since=2020-01-01T00", "/images/", "/images/?state=waiting", "/images/?bucket=images-1"]
    lists += [f"/images/{uid}/1/small.png", "/erasures/", "/settings/", f"/erasures/of/{item['id']}"]
    assert {} == {path: status for path in lists if (status := operator.get(path).status) != 200}
    assert "Folders of the NAS" in reviewer.get("/folders/").data.decode()
    assert b"at,who,via,action," in reviewer.get("/audit/audit.csv").data
    log = (home.folder / "log" / "review.log").read_text(encoding="utf-8")
    assert "marker" not in log.lower()
