"""The pages of items, files and images: the search, the time line, conflicts and pictures."""

import pytest

from common.store.object_key import Location
from tests.support.page_bench import PageBench
from tests.support.page_rows import NOW, insert, insert_file, insert_image, insert_item

_UID = "2.25.1"
_KEY = f"P1/2.25.3/2.25.2/{_UID}/1.png"


@pytest.fixture
def images(bench: PageBench) -> PageBench:
    """File 1 is item 1, extracted with one good image; item 2 is held; item 3 contradicts item 1."""
    rows = bench.database
    insert(rows, "source_folder", name="Doe^Jane")
    insert_file(rows, "nas/Doe^Jane/Doe.dcm", path="Doe.dcm", copied_at=NOW)
    released = {"released_by": "nurse", "released_why": "<script>alert(1)</script>", "released_at": NOW}
    extracted = {"outcome": "extracted", "sop_instance_uid": _UID, "worker": "host-1"}
    insert_item(rows, "nas/Doe^Jane/Doe.dcm", "done", **extracted, **released)
    insert_item(rows, "incoming/Doe^Jane/held.dcm", "held", cause="Text was found.", device="ACME")
    insert_item(rows, "incoming/Doe^Jane/other.dcm", "quarantined", cause="Another file has this UID.")
    insert_image(rows, _KEY, item=1)
    insert(
        rows, "item_conflict", item_id=3, patient_id="P2", study_instance_uid="2.25.3",
        series_instance_uid="2.25.2", sop_instance_uid=_UID, content_digest="other",
    )  # fmt: skip
    bench.store.ensure_bucket("images-1")
    bench.store.put(Location("images-1", _KEY), b"\x89PNG picture", content_type="image/png")
    return bench


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("1", "/items/1"),
        ("item-2", "/items/2"),
        ("file-1", "/items/file/1"),
        (_UID, f"/items/image/{_UID}"),
        (f" {_UID}/1 ", f"/items/image/{_UID}/1"),
        (f"s3://images-1/{_KEY}", f"/items/image/{_UID}/1"),
    ],
)
def test_everybody_finds_what_has_a_name_without_a_patient(
    images: PageBench, name: str, address: str
) -> None:
    """The browser is sent to the page of a number or pseudonym."""
    answer = images.sign_in("viewer").post("/items/", name=name)
    assert (303, address) == (answer.status_code, answer.headers["Location"])
    assert 200 == images.sign_in("viewer").get(address).status_code


@pytest.mark.parametrize(
    "name", ["Doe^Jane/Doe.dcm", "/mnt/nas/Doe^Jane/Doe.dcm", "s3://raw/nas/Doe^Jane/Doe.dcm"]
)
def test_only_a_reviewer_searches_by_path(images: PageBench, name: str) -> None:
    """Others are not told whether a path is known; the address has the number only."""
    for roles, status in ((["viewer"], 404), (["operator"], 404), (["reviewer"], 303)):
        answer = images.sign_in(*roles).post("/items/", name=name)
        assert status == answer.status_code, roles
        assert "Doe" not in answer.text + answer.headers.get("Location", "")
    unknown = images.sign_in("viewer").post("/items/", name="Other/Doe.dcm")
    assert unknown.text == unknown.text.replace("Other", "")


@pytest.mark.parametrize(
    "name",
    ["", "99", "file-" + "9" * 40, "1.2.840.99", "1.2.840.99/1", "s3://images-1/x.png", "9" * 40, "x" * 2000],
)
def test_an_unknown_name_comes_into_no_address(images: PageBench, name: str) -> None:
    """It may be the UID of an original: the answer is the form with what it takes."""
    for role in ("viewer", "reviewer"):
        answer = images.sign_in(role).post("/items/", name=name)
        assert (404, True) == (answer.status_code, "Nothing of this name is known" in answer.text)


def test_the_time_line_tells_everything_and_no_name(images: PageBench) -> None:
    """From the NAS to the verdict, with the persons; what they wrote is escaped."""
    for path in ("/items/1", "/items/file/1", f"/items/image/{_UID}/1"):
        text = images.sign_in("viewer").get(path).text
        events = [
            "found in NAS folder 1",
            "copied to raw",
            "claimed by host-1",
            "released by nurse",
            "image 1 judged good",
        ]
        assert [] == [each for each in events if each not in text], path
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text
        assert "Doe" not in text


def test_a_held_original_is_linked_for_reviewers_only(images: PageBench) -> None:
    """Others are told who can look at it."""
    assert 'href="/held/2"' in images.sign_in("reviewer").get("/items/2").text
    for role in ("viewer", "operator"):
        text = images.sign_in(role).get("/items/2").text
        assert ("/held/2" in text, "A reviewer can look at the original" in text) == (False, True)


def test_contradicting_files_are_side_by_side(images: PageBench) -> None:
    """With what differs, and the command that decides."""
    text = images.sign_in("viewer").get("/items/3").text
    assert "Item 3 contradicts 1 item(s)" in text
    assert "dcm2set resolve --item 3 --keep this|other --why TEXT" in text
    assert 'P2</td><td class="text">P1</td><td>different</td>' in text
    assert '2.25.3</td><td class="text">2.25.3</td><td>same</td>' in text


def test_the_deidentified_picture_is_for_everybody(images: PageBench) -> None:
    """It is never stored by a browser; what is no image is told."""
    viewer = images.sign_in("viewer")
    answer = viewer.get(f"/images/{_UID}/1.png")
    assert (200, b"\x89PNG picture") == (answer.status_code, answer.data)
    assert ("image/png", "no-store") == (answer.headers["Content-Type"], answer.headers["Cache-Control"])
    for path in (
        f"/images/{_UID}/2.png",
        f"/items/image/{_UID}/2",
        "/items/image/1.2.840.99",
        "/images/x/1.png",
    ):
        assert 404 == viewer.get(path).status_code, path
    images.store.delete(images.store.stat(Location("images-1", _KEY)))
    assert 404 == viewer.get(f"/images/{_UID}/1.png").status_code
