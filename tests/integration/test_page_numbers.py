"""The pages of labels and sets, and the JSON API, with the rights that the function has in a running home."""

import hashlib
import secrets
from pathlib import Path

import psycopg
import pytest
import urllib3

from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance


@pytest.fixture
def cookie(home: RunningHome) -> str:
    """The cookie of a reviewer's session."""
    token = secrets.token_urlsafe(16)
    with psycopg.connect(home.endpoints["database_url"]) as connection:
        connection.execute(
            "insert into page_session (token_hash, who, roles) values (%s, 'nurse', array['reviewer'])",
            [hashlib.sha256(token.encode()).digest()],
        )
    return f"dcm2set={token}"


def test_labels_sets_and_the_api(home: RunningHome, cookie: str, tmp_path: Path, name: str) -> None:
    """Two readers differ on an image of a frozen set: every page shows it, with its picture."""

    def get(path: str) -> urllib3.BaseHTTPResponse:
        url = home.endpoints["functions"]["review"].rstrip("/") + path
        answer = urllib3.request("GET", url, headers={"Cookie": cookie}, timeout=30, retries=False)
        assert 200 == answer.status, (path, answer.status, answer.data[:500])
        return answer

    home.put("incoming/page/1.dcm", make_instance(1, patient=978))
    uid = home.settled("extract", "incoming/page/1.dcm")["sop_instance_uid"]
    home.wait_until_idle()
    image = home.rows("select key from image_allocation where sop_instance_uid = %s", uid)[0]["key"]
    rows = f"image,label,value,annotator\n{image},Emphysema,1,first\n{image},Emphysema,0,second\n"
    home.put("page.csv", rows.encode(), bucket="annotations")
    home.settled("annotations", "page.csv")
    options = ("--where", f"sop_instance_uid = '{uid}'", "--any-label", "--without-statement", "a test")
    done = home.run_cli("export", name, "--out", str(tmp_path / "set"), *options)
    assert 0 == done.returncode, done.stderr

    assert wait_for(lambda: b">Emphysema</th>" in get("/labels/").data, seconds=60)
    number = home.rows("select id from label_name where name = 'Emphysema'")[0]["id"]
    path = f"/images/{uid}/1.png"
    assert wait_for(lambda: path.encode() in get(f"/labels/{number}").data, seconds=60)
    assert get(path).data.startswith(b"\x89PNG")
    assert f"{name}, version 1. Training set" in get(f"/sets/{name}/v1").data.decode()
    assert get(f"/sets/{name}/v1/files/plots/funnel.png").data.startswith(b"\x89PNG")
    assert any(each["name"] == name for each in get("/api/sets?most=1000").json()["versions"])
    item = home.settled("extract", "incoming/page/1.dcm")["id"]
    for route in ("overview", "held", "quarantine", "quality", f"items/{item}", "openapi.json"):
        get(f"/api/{route}").json()
