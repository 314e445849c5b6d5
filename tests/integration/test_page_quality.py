"""Overruling on the page: with the rights of its own database role and its own user of the store."""

import hashlib
import secrets
from urllib.parse import urlencode

import pytest
import urllib3

from common.store.object_key import SUBOPTIMAL
from functions.review.access.rights import csrf_token
from tests.support.image_rows import image_rows
from tests.support.local_home import RunningHome
from tests.support.real_files import make_instance


@pytest.fixture
def token(home: RunningHome) -> str:
    """The token of a reviewer's session."""
    token = secrets.token_urlsafe(16)
    home.rows(
        "insert into page_session (token_hash, who, roles) values (%s, 'nurse', '{reviewer}') returning 1",
        hashlib.sha256(token.encode()).digest(),
    )
    return token


def request(home: RunningHome, token: str, path: str, **fields: str) -> urllib3.BaseHTTPResponse:
    """Get a page of the session, or send the fields of a form."""
    return urllib3.request(
        "POST" if fields else "GET",
        home.endpoints["functions"]["review"].rstrip("/") + path,
        body=urlencode(fields | {"csrf_token": csrf_token(token)}) if fields else None,
        headers={"Cookie": f"dcm2set={token}", "Content-Type": "application/x-www-form-urlencoded"},
        redirect=False,
        timeout=60,
    )


def test_an_image_moves_both_ways_and_is_seen_at_both_places(home: RunningHome, token: str) -> None:
    """The picture is the object of the image; the verdict has its modality; the balance closes."""
    home.put("incoming/page_quality/1.dcm", make_instance(5, patient=121))
    uid = str(home.settled("extract", "incoming/page_quality/1.dcm")["sop_instance_uid"])
    (image,) = image_rows(home, uid, 1)
    assert [{"modality": "CT"}] == home.rows("select modality from verdict where sop_instance_uid = %s", uid)
    seen, picture = f"{image['verdict']} 0", request(home, token, f"/images/{uid}/1.png")
    assert (200, "no-store") == (picture.status, picture.headers["Cache-Control"])
    assert picture.data.startswith(b"\x89PNG")
    for verdict, bucket in (("low_quality", SUBOPTIMAL), ("good", image["bucket"])):
        fields = {"verdict": verdict, "why": "Seen on the page.", f"seen {uid}/1": seen}
        answer = request(home, token, f"/quality/{uid}/1/verdict", **fields)
        assert 303 == answer.status, answer.data
        (row,) = image_rows(home, uid, 1)
        assert (verdict, bucket) == (row["verdict"], row["bucket"])
        assert picture.data == request(home, token, f"/images/{uid}/1.png").data
        assert 409 == request(home, token, f"/quality/{uid}/1/verdict", **fields).status
        (newest,) = home.rows("select max(id) as id from overruling where sop_instance_uid = %s", uid)
        seen = f"{verdict} {newest['id']}"
    for path in (
        "/quality/",
        "/quality/?of_verdict=all",
        "/quality/scores?review_from=0.3",
        "/quality/weeks",
    ):
        assert 200 == request(home, token, path).status
    balance = home.wait_until_idle()["balance"]
    assert 0 == balance["images_difference"] == balance["files_difference"]
