"""The page in a real browser, on a running home: held files decided with the keyboard alone."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.conftest import StartHome
from tests.support.browser import chromium, opened
from tests.support.erasure_rows import insert_erasures
from tests.support.held_files import COLUMNS, ROWS, held_file, held_slice, pixels_in, put_held, sign_in
from tests.support.local_home import Row, RunningHome, wait_for
from tests.support.real_files import make_instance

_NUMBER = 40
_SAME = 4242  # two files with equal pixels: one is released as it is, one with a black rectangle


@pytest.fixture(scope="module")
def reviewed_home(start_home: StartHome) -> RunningHome:
    """A home of its own, because every held file in it is decided."""
    return start_home(DCM2SET_SWEEP_SECONDS="1", DCM2SET_UNDO_SECONDS="2", DCM2SET_RETRY_SECONDS="1")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with chromium() as started:
        yield started


def _decide(page: Page, item: Row, keys: str) -> None:
    """Press keys on the page of one item, and wait for the next."""
    page.get_by_role("heading", name=f"Held item {item['id']}", exact=True).wait_for()
    page.locator("[data-picture]").evaluate("picture => picture.decode()")
    for key in keys.split():
        page.keyboard.press(key)


def _keys(item: Row) -> str:
    """Most are released; some with a rectangle, which is drawn by keys; some are kept out."""
    number = _number(item)
    if number == 1 or number % 10 == 7:
        return "b ArrowDown ArrowRight Shift+ArrowDown Enter Escape r"
    return "x" if number % 10 == 3 else "r"


def test_many_held_pictures_are_decided_with_the_keyboard(
    reviewed_home: RunningHome, browser: Browser
) -> None:
    """Released, blanked and kept out; every view and decision is in the audit, and the balance closes."""
    home = reviewed_home
    files = [held_file(number, seed=_SAME if number < 2 else number) for number in range(_NUMBER)]
    items = put_held(home, files)
    with opened(browser) as page:
        address = sign_in(home, page, "reviewer")
        page.goto(f"{address}/held/")
        page.keyboard.press("Enter")
        page.get_by_label("Why").wait_for()
        page.keyboard.press("w")
        page.keyboard.type("Seen, no name.")
        page.keyboard.press("Escape")
        for item in items:
            _decide(page, item, _keys(item))
        expect(page.get_by_text("No file is held.")).to_be_visible()
    refused = sum(_keys(item) == "x" for item in items)
    assert wait_for(lambda: home.rows("select from pending_decision") == [], seconds=60)
    balance = home.wait_until_idle()["balance"]
    assert (0, 0) == (balance["files_difference"], balance["images_difference"])
    assert (_NUMBER - refused, refused) == (balance["files_extracted"], balance["files_refused"])
    _check_audit(home, items)
    _check_black_rectangle(home, items)


def _number(item: Row) -> int:
    """The number of a file; items have the order in which events arrived."""
    return int(item["key"].rpartition("-")[2].removesuffix(".dcm"))


def _check_audit(home: RunningHome, items: list[Row]) -> None:
    """Each item was viewed, then decided, then the decision was carried out."""
    for item in items:
        decision = "refuse" if _keys(item) == "x" else "release"
        rows = home.rows(
            "select action, who, via from audit_event where item_id = %s order by id", item["id"]
        )
        expected = ["view held picture", f"decide {decision}", decision]
        assert expected == [row["action"] for row in rows], item["id"]
        assert {("nurse", "page")} == {(row["who"], row["via"]) for row in rows}


def _check_black_rectangle(home: RunningHome, items: list[Row]) -> None:
    """Those pixels are black in PNG and DICOM, and nothing else changed."""
    pair = sorted(items, key=_number)[:2]
    (row,) = home.rows("select blank from ledger_item where id = %s", pair[1]["id"])
    ((left, top, width, height),) = row["blank"]
    places = [
        home.rows(
            "select a.bucket, a.key, e.deidentified_key from extraction e join image_allocation a using "
            "(sop_instance_uid) where e.item_id = %s",
            item["id"],
        )[0]
        for item in pair
    ]
    pictures = [np.asarray(Image.open(io.BytesIO(pixels_in(home, p["bucket"], p["key"])))) for p in places]
    files = [
        pydicom.dcmread(io.BytesIO(pixels_in(home, "deidentified", p["deidentified_key"]))) for p in places
    ]
    for plain, blanked in (pictures, [file.pixel_array for file in files]):
        expected = plain.copy()
        expected[top : top + height, left : left + width] = 0
        assert (expected == blanked).all()
        assert (ROWS, COLUMNS) == plain.shape
        assert plain[top : top + height, left : left + width].max() > 0


def test_a_decision_is_undone_with_one_key(reviewed_home: RunningHome, browser: Browser) -> None:
    """The file is shown again, is still held, and only the audit knows."""
    home = reviewed_home
    (item,) = put_held(home, [held_file(900)], name="undone")
    with opened(browser) as page:
        address = sign_in(home, page, "reviewer", name="nurse2")
        page.goto(f"{address}/held/{item['id']}")
        page.get_by_label("Why").fill("A mistake.")
        page.keyboard.press("Escape")
        _decide(page, item, "x")
        page.get_by_text(f"Item {item['id']}: refuse").wait_for()
        page.keyboard.press("u")
        page.get_by_role("heading", name=f"Held item {item['id']}").wait_for()
    assert [item] == home.rows("select * from ledger_item where id = %s", item["id"])
    actions = home.rows("select action from audit_event where item_id = %s order by id", item["id"])
    assert ["view held picture", "decide refuse", "undo"] == [row["action"] for row in actions][:3]


def test_frames_windows_and_sheets(reviewed_home: RunningHome, browser: Browser) -> None:
    """A frame and a window are drawn again by the server; a contact sheet decides about all it shows."""
    home = reviewed_home
    items = put_held(home, [held_file(910 + number, frames=3) for number in range(3)], name="frames")
    with opened(browser) as page:
        address = sign_in(home, page, "reviewer", name="nurse3")
        page.goto(f"{address}/held/{items[0]['id']}")
        with page.expect_response("**/frames/2.png*") as answer:
            page.keyboard.press("]")
        assert (200, "no-store") == (answer.value.status, answer.value.headers["cache-control"])
        before = answer.value.body()
        page.get_by_label("Width").fill("20")
        with page.expect_response("**/frames/2.png*width=20*") as answer:
            page.get_by_role("button", name="Apply").click()
        assert before != answer.value.body()
        page.goto(f"{address}/held/")
        page.get_by_role("link", name="contact sheet").first.click()
        for item in items:
            expect(page.get_by_alt_text(f"Held item {item['id']}", exact=True)).to_be_visible()
        page.get_by_label("Why").fill("Noise.")
        page.get_by_role("button", name="Keep the chosen ones out").click()
        expect(page.get_by_role("heading", name="Held files")).to_be_visible()
    wanted = [item["id"] for item in items]
    query = "select from ledger_item where id = any(%s) and state = 'refused'"
    assert wait_for(lambda: len(home.rows(query, wanted)) == len(wanted), seconds=60)


_LOOKS = [(360, "dark"), (1280, "light"), (2560, "dark")]
_PAGES = {
    "overview": "/",
    "held": "/held/",
    "sheet": "/held/sheet?device=ACME",
    "quality": "/quality/?of_verdict=all",
    "scores": "/quality/scores",
    "weeks": "/quality/weeks",
    "quarantine": "/quarantine/",
    "folders": "/folders/",
    "labels": "/labels/",
    "sets": "/sets/",
    "find": "/items/",
    "item": "/items/1",
    "audit": "/audit/",
    "erasures": "/erasures/",
    "settings": "/settings/",
    "item list": "/items/list/?function=extract&state=quarantined",
    "file list": "/files/",
    "image list": "/images/",
    "unknown": "/held/x",
}


@pytest.mark.parametrize(("width", "scheme"), _LOOKS)
def test_every_page_is_accessible(
    reviewed_home: RunningHome, browser: Browser, width: int, scheme: str
) -> None:
    """Axe finds nothing on any page, and nothing is wider than the window.

    With DCM2SET_SCREENSHOTS, pictures of the pages stay in that folder.
    """
    home, look = reviewed_home, f"{width}-{scheme}"
    held, frames = put_held(home, [held_slice(), held_file(950 + width, frames=3)], name=f"looks{width}")
    home.put(f"incoming/broken{width}.dcm", b"no DICOM" * 100)
    assert home.settled("extract", f"incoming/broken{width}.dcm")["state"] == "quarantined"
    for number in range(3):
        home.put(f"incoming/looks{number}.dcm", make_instance(number, patient=980))
    home.wait_until_idle()
    insert_erasures(home.endpoints["database_url"])
    items = {"held item": f"/held/{held['id']}", "held frames": f"/held/{frames['id']}"}
    items["erasure form"] = f"/erasures/of/{held['id']}"
    found = {}
    with opened(browser, viewport={"width": width, "height": 900}, color_scheme=scheme) as page:
        address = str(home.endpoints["functions"]["review"]).rstrip("/")
        page.goto(f"{address}/sign-in")
        found["sign-in"] = _faults(page, f"sign-in-{look}")
        sign_in(home, page, "reviewer", "operator", name=f"looker{width}")
        for name, path in (_PAGES | items).items():
            page.goto(f"{address}{path}")
            found[name] = _faults(page, f"{name.replace(' ', '-')}-{look}")
        _check_strip(page, address)
    assert {} == {name: faults for name, faults in found.items() if faults}


def _check_strip(page: Page, address: str) -> None:
    """The strip of small pictures follows the keys, and leads to a picture."""
    page.goto(f"{address}/quality/?of_verdict=all")
    strip = page.locator("[data-strip]")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(strip.locator("[aria-current]")).to_have_count(1)
    expect(strip.get_by_role("link").nth(1)).to_have_attribute("aria-current", "true")
    strip.get_by_role("link").nth(2).click()
    expect(page.locator("[data-picture-link]").nth(2)).to_be_focused()
    expect(strip.get_by_role("link").nth(2)).to_have_attribute("aria-current", "true")
    # Not wait_for_function: its second look is an eval, which the page's policy forbids.
    assert strip.locator("img").first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def _faults(page: Page, name: str) -> list[str]:
    """What axe finds, and whether the page scrolls sideways."""
    if folder := os.environ.get("DCM2SET_SCREENSHOTS"):
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)
    violations = Axe().run(page).response["violations"]
    found = [f"{each['id']}: {node['html'][:200]}" for each in violations for node in each["nodes"]]
    is_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return found + (["wider than the window"] if is_wide else [])
