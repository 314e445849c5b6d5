"""The pages of training sets: versions, cards, files and differences."""

import json
from dataclasses import replace

import psycopg
import pytest

from common.store.object_key import Location
from tests.support.page_bench import PageBench
from tests.support.set_rows import SetImage, add_images, add_labels
from training_set.selection.allowed_labels import ANY_LABEL
from training_set.versions.freeze import Freezer

SCRIPT = "<script>alert(1)</script>"
STATED = {"without": f"a test {SCRIPT}"}


@pytest.fixture
def frozen(bench: PageBench, database_url: str) -> PageBench:
    """Two versions of a set: one label was changed, and one image was added."""
    images = [
        SetImage(number, labels={"Nodule": number % 2, SCRIPT: 1.0}, annotator="a") for number in range(1, 13)
    ]
    bench.store.ensure_bucket("training-sets")
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into label_rule default values on conflict do nothing")
        add_images(connection, images[:11])
        connection.commit()
        freezer = Freezer(connection, bench.store, "chest", lambda _: None, ANY_LABEL)
        freezer.freeze(about=STATED)
        add_images(connection, images[11:])
        add_labels(connection, [replace(images[0], labels={"Nodule": 0.0}, annotator="b")])
        connection.commit()
        freezer.freeze()
    return bench


def test_versions_are_listed(frozen: PageBench) -> None:
    """Each with its images and splits."""
    text = frozen.sign_in().get("/sets/").text
    assert ['<a href="/sets/chest/v1">chest v1</a>', '<a href="/sets/chest/v2">chest v2</a>'] == [
        link for link in (f'<a href="/sets/chest/v{n}">chest v{n}</a>' for n in (1, 2)) if link in text
    ]
    assert "chest v1" not in frozen.sign_in().get("/sets/?after=chest&version=1").text


def test_a_version_shows_its_card(frozen: PageBench) -> None:
    """How to cite it, its labels, what changed since the last, and the digests of all files."""
    text = frozen.sign_in().get("/sets/chest/v2").text
    card = json.loads(frozen.store.read_now(Location("training-sets", "chest/v2/card.json")))
    manifest = json.loads(frozen.store.read_now(Location("training-sets", "chest/v2/manifest.json")))
    assert card["citation"] in text
    assert all(digest in text for digest in manifest["files"].values())
    assert "1 image(s) added" in text
    assert "label Nodule: 1 image(s) of both versions changed" in text
    assert SCRIPT not in text
    assert "&lt;script&gt;" in text


def test_the_card_and_its_plots_are_served(frozen: PageBench) -> None:
    """As they were frozen; what has a row for each image is not."""
    nurse = frozen.sign_in()
    answer = nurse.get("/sets/chest/v1/files/plots/funnel.png")
    assert (200, "image/png", b"\x89PNG") == (
        answer.status_code,
        answer.headers["Content-Type"],
        answer.data[:4],
    )
    answer = nurse.get("/sets/chest/v1/files/README.md")
    assert 'attachment; filename="chest-v1-README.md"' == answer.headers["Content-Disposition"]
    others = ("images.parquet", "manifest.json", "labels.csv", "plots/none.png", "plots/../card.png")
    assert [404] * 5 == [nurse.get(f"/sets/chest/v1/files/{file}").status_code for file in others]


def test_two_versions_are_compared(frozen: PageBench) -> None:
    """The older one first, whichever is named first."""
    nurse = frozen.sign_in()
    texts = [nurse.get(f"/sets/chest/differences?first={a}&second={b}").text for a, b in ((1, 2), (2, 1))]
    assert texts[0] == texts[1]
    assert "<strong>11</strong> images in both" in texts[0]
    assert "<td>Nodule</td><td>1</td><td>0</td>" in texts[0]
    bad = {"first=1&second=1": 400, "first=1&second=3": 404, "first=x": 404, "first=99999999999999": 404}
    assert list(bad.values()) == [nurse.get(f"/sets/chest/differences?{q}").status_code for q in bad]


@pytest.mark.parametrize("file", ["card.json", "manifest.json"])
def test_a_changed_file_is_told(frozen: PageBench, file: str) -> None:
    """What the database knows is shown nevertheless."""
    frozen.store.put(Location("training-sets", f"chest/v1/{file}"), b"{}", content_type="application/json")
    answer = frozen.sign_in().get("/sets/chest/v1")
    assert 200 == answer.status_code
    assert f"chest v1: {file} " in answer.text
    assert "in the bucket training-sets" in answer.text
    assert '<th scope="row">all</th>' in answer.text


def test_no_versions(bench: PageBench) -> None:
    """The page says how the first one is made, and names that can't be are not there."""
    nurse = bench.sign_in()
    assert "freezes the first version" in nurse.get("/sets/").text
    assert [404] * 3 == [
        nurse.get(path).status_code for path in ("/sets/a/v1", "/sets/a%00b/v99999999999999", "/sets/../v1")
    ]
