"""The numbers of the overview lead to what they count: items, files and images, in pages."""

import re
from html import unescape
from typing import Any

import pytest

from common.database import Database
from functions.review.files import files_page
from functions.review.images import image_page
from functions.review.items import item_list_page
from tests.support.page_bench import PageBench, SignedIn
from tests.support.page_rows import NOW, insert, insert_file, insert_image, insert_item

_XSS = "<script>alert(1)</script>"
_FILE = re.compile(
    r'<th scope="row">(?:<a[^>]*>file-(\d+)</a>|put into raw)</th>\s*<td>(?:<a[^>]*>(\d+)</a>|.)</td>'
)


@pytest.fixture
def site(bench: PageBench) -> PageBench:
    """Files of the NAS in each state, files put into raw directly, and two images, one of them not judged."""
    database = bench.database
    insert(database, "source_folder", name="Doe^Jane")
    insert_file(database, "waiting.dcm", state="waiting", raw_key=None, cause=f"{_XSS} away")
    insert_file(database, "system.db", state="skipped", raw_key=None, cause="A system file.")
    for name, state, values in (
        ("good", "done", {"outcome": "extracted", "sop_instance_uid": "1.2.3"}),
        ("queued", "retry", {"attempts": 0, "settled_at": None}),
        ("again", "retry", {"attempts": 2, "cause": "The object store does not answer.", "settled_at": None}),
        ("running", "running", {"settled_at": None}),
        ("held", "held", {"cause": "Text."}),
        ("refused", "refused", {"cause": "Text."}),
        ("broken", "quarantined", {"cause": f"{_XSS} broken"}),
        ("report", "done", {"outcome": "skipped", "cause": "No picture."}),
        ("erased", "done", {"outcome": "erased"}),
    ):
        insert_file(database, f"nas/Doe^Jane/{name}.dcm")
        insert_item(database, f"nas/Doe^Jane/{name}.dcm", state, **values)
    insert_item(database, "incoming/Doe^Jane.dcm", "done", outcome="extracted", sop_instance_uid="1.2.4")
    insert_item(database, "incoming/Doe^John.dcm", "done", outcome="skipped", counted_as="skipped")
    insert(database, "settled_total", subject="file", category="skipped", number=1, newest=NOW)
    insert(database, "settled_total", subject="extract", category="done", number=1, newest=NOW)
    insert_image(database, "P1/1/1.1/1.2.3/1.png", item=3)
    insert_image(database, "P1/1/1.1/1.2.4/1.png", item=10)
    database.run("update image_bucket set allocated = 2")
    database.run("delete from verdict where sop_instance_uid = '1.2.4'")
    return bench


@pytest.fixture
def viewer(site: PageBench) -> SignedIn:
    """Whoever may see numbers only."""
    return site.sign_in("viewer")


def _numbers(text: str) -> list[tuple[str, int, str]]:
    """The label, the value and the address of each number with a link on the overview."""
    content = text.split("<main", 1)[1]
    links = re.findall(r'<a href="(/(?:items/list|files|images)/[^"]*)">(.*?)</a>', content)
    found = []
    for address, content in links:
        value = re.search(r"\d+", content)
        assert value, content
        found.append((re.sub(r"<[^>]+>|\d+", " ", content).strip(), int(value[0]), unescape(address)))
    return found


def _rows(text: str) -> int:
    """How many rows or pictures a page lists."""
    body = text.split("<main", 1)[1]
    return len(re.findall(r'<tr><th scope="row">|<li><a href="/items/image/', body))


def test_every_number_leads_to_as_many(site: PageBench, viewer: SignedIn) -> None:
    """For each number of the overview, the page behind it lists as many; no page has a path or markup."""
    numbers = _numbers(viewer.get("/").text)
    labels = {label for label, *_ in numbers}
    assert {"found", "extracted", "waiting", "held", "refused", "skipped", "erased", "frames"} <= labels
    for label, value, address in numbers:
        text = viewer.get(address).text
        if ", the oldest of" not in label:
            assert value == _rows(text), (label, address)
        assert "Doe" not in text, address
        assert "<script>alert" not in text, address
    assert site.database.all("select from ledger_item")


@pytest.mark.parametrize(
    ("state", "numbers"),
    [
        ("found", [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, "item 11", "item 10"]),
        ("waiting", [6, 5, 4, 1]),
        ("extracted", [3, "item 10"]),
        ("skipped", [10, 2, "item 11"]),
        ("erased", [11]),
        ("difference", []),
    ],
)
def test_files_in_pages(
    site: PageBench, viewer: SignedIn, monkeypatch: pytest.MonkeyPatch, state: str, numbers: list[Any]
) -> None:
    """Each file once, whether the balance has counted it or not: the newest of the NAS first, then others."""
    database = site.database
    monkeypatch.setattr(files_page, "PAGE", 2)
    for _ in range(2):
        found, address = [], f"/files/?state={state}"
        while address:
            text = viewer.get(address).text
            for file, item in _FILE.findall(text):
                found.append(int(file) if file else f"item {item}")
            following = re.search(r'<a href="([^"]*)">Next page', text)
            address = unescape(following[1]) if following else ""
        assert numbers == found
        database.run("select count_settled(1000)")  # the sweep counts what is settled


@pytest.mark.parametrize(
    ("query", "items"),
    [
        ("state=done", [11, 10, 9, 8, 1]),
        ("state=waiting", [2]),
        ("state=retry", [3]),
        ("state=unsettled", [2, 3, 4]),
        ("state=held", [5]),
        ("state=held&cause=Text.", [5]),
        ("state=held&cause=Other", []),
        ("state=quarantined", [7]),
        ("state=running", [4]),
    ],
)
def test_items_in_pages(
    viewer: SignedIn, monkeypatch: pytest.MonkeyPatch, query: str, items: list[int]
) -> None:
    """What is unsettled from the oldest, everything else from the newest."""
    monkeypatch.setattr(item_list_page, "PAGE", 2)
    found, address = [], f"/items/list/?function=extract&{query}"
    while address:
        text = viewer.get(address).text
        found += re.findall(r'<th scope="row"><a href="/items/(\d+)">', text)
        following = re.search(r'<a href="([^"]*)">Next page', text)
        address = unescape(following[1]) if following else ""
    assert items == list(map(int, found))


def test_images_in_pages(site: PageBench, viewer: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """All, those of a bucket, and those that wait for a verdict."""
    monkeypatch.setattr(image_page, "PAGE", 1)
    first = viewer.get("/images/").text
    assert ("/items/image/1.2.3/1" in first, "/items/image/1.2.4/1" in first) == (True, False)
    following = re.search(r'<a href="([^"]*)">Next page', first)
    assert following
    second = viewer.get(unescape(following[1])).text
    assert ("/items/image/1.2.4/1" in second, "Next page" in second) == (True, False)
    assert [1, 0] == [_rows(viewer.get(f"/images/?bucket={name}").text) for name in ("images-1", "images-2")]
    waiting = viewer.get("/images/?state=waiting").text
    assert ("/items/image/1.2.4/1" in waiting, "/items/image/1.2.3/1" in waiting) == (True, False)
    assert site.database.one("select images_waiting from balance") == {"images_waiting": 1}


def test_files_that_arrived_at_some_time(site: PageBench, viewer: SignedIn) -> None:
    """The hours of the overview; a time that is none is refused."""
    site.database.run("update source_file set found_at = '2026-01-02 03:30+00' where id in (2, 5)")
    text = viewer.get("/files/?since=2026-01-02T03&until=2026-01-02T04").text
    assert ["5", "2"] == re.findall(r">file-(\d+)<", text)
    assert 0 == _rows(viewer.get("/files/?since=2026-01-02T04&until=2026-01-02T05").text)
    assert [400] * 3 == [viewer.get(f"/files/?{q}").status_code for q in ("since=x", "until=2026", "state=x")]


@pytest.mark.parametrize(
    "query",
    ["", "?function=extract", "?state=done", "?function=extract&state=x", "?function=extract&state=listed"],
)
def test_a_list_without_a_choice(viewer: SignedIn, query: str) -> None:
    """Is refused; no part of a query can be chosen from outside."""
    assert 400 == viewer.get(f"/items/list/{query}").status_code


def test_a_difference_leads_to_its_files(database: Database, site: PageBench, viewer: SignedIn) -> None:
    """A file in no state of the balance is listed."""
    database.run("update ledger_item set outcome = 'unheard of' where id = 1")
    text = viewer.get("/").text
    assert 'href="/files/?state=difference"' in text
    assert ["3"] == re.findall(r">file-(\d+)<", viewer.get("/files/?state=difference").text)
    assert site.database is database
