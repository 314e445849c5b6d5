"""The pages of labels: numbers, agreement, and the images on which readers differ."""

from dataclasses import replace

import psycopg
import pytest

from common.database import LimitedConnection
from tests.support.local_home import wait_for
from tests.support.page_bench import PageBench, SignedIn
from tests.support.set_rows import SetImage, add_images, add_labels

SCRIPT = "<script>alert(1)</script>"


def _with_readers(
    database_url: str, values: list[tuple[float, float]], label: str = "Nodule"
) -> list[SetImage]:
    """Images that two readers read."""
    first = [
        SetImage(number, annotator="Dr Who", labels={label: mine})
        for number, (mine, _) in enumerate(values, 1)
    ]
    with psycopg.connect(database_url) as connection:
        add_images(connection, first)
        add_labels(
            connection,
            [
                replace(image, annotator=f"b{SCRIPT}", labels={label: value})
                for image, (_, value) in zip(first, values, strict=True)
            ],
        )
    return first


def _page(client: SignedIn, path: str = "/labels/") -> str:
    """The page, as soon as the labels are counted."""

    def text() -> str | None:
        answer = client.get(path)
        assert 200 == answer.status_code
        return None if "are being counted" in answer.text else str(answer.text)

    found = wait_for(text, seconds=30)
    assert found is not None
    return found


def test_each_label_has_its_numbers(bench: PageBench, database_url: str) -> None:
    """Positive, negative and uncertain images, and how far two readers agree, who differ on one of four."""
    _with_readers(database_url, [(1, 1), (0, 0), (1, 1), (0, -1)])
    text = _page(bench.sign_in())
    assert "25.0 % negative, 25.0 % uncertain" in text
    assert "Cohen&#39;s kappa 0.600 over 4 image(s)" in text
    assert 'href="/labels/1">1<span class="hidden"> image(s) of Nodule' in text


def test_labels_without_an_image_are_counted(bench: PageBench) -> None:
    """A value whose image is not known yet is held."""
    bench.database.run(
        "with n as (insert into label_name (name) values (%(name)s) returning id), "
        "w as (insert into annotator (name) values ('a') returning id) "
        "insert into held_label "
        "(import_id, line, label_id, annotator_id, sop_instance_uid, value, labelled_at) "
        "select 1, generate_series(1, 3), n.id, w.id, '2.25.1', 1, now() from n, w",
        name=SCRIPT,
    )
    text = _page(bench.sign_in())
    assert '<td class="figure">3</td>' in text
    assert SCRIPT not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_readers_who_differ_stand_side_by_side(bench: PageBench, database_url: str) -> None:
    """The picture with what each reader said; who they are is told to reviewers only."""
    images = _with_readers(database_url, [(1, 0), (1, 1), (0.2, -1)])
    _page(bench.sign_in())
    for_viewer, for_reviewer = (_page(bench.sign_in(role), "/labels/1") for role in ("viewer", "reviewer"))
    uids = [image.path.sop_instance_uid for image in images]
    assert [True, False, True] == [f"/images/{uid}/1.png" in for_viewer for uid in uids]
    assert "absent (0.2)" in for_viewer
    assert "reader 1" in for_viewer
    assert "Dr Who" not in for_viewer
    assert "Dr Who" in for_reviewer
    assert SCRIPT not in for_reviewer


def test_many_images_have_pages(bench: PageBench, database_url: str) -> None:
    """Each image is on one page; a decision that was changed meanwhile is left out."""
    _with_readers(database_url, [(1, 0)] * 30)
    nurse = bench.sign_in()
    first = _page(nurse, "/labels/1")
    assert 24 == first.count("<li>\n  <img")
    bench.database.run("update label set value = 1 where image_id = 30")
    following = _page(nurse, "/labels/1?after=24")
    assert 5 == following.count("<li>\n  <img")
    assert "Next page" not in following
    assert "differ on no image here" in _page(nurse, "/labels/1?after=99999999999999999999")


def test_a_label_that_is_not_there(bench: PageBench) -> None:
    """It is told, whatever the number."""
    nurse = bench.sign_in()
    _page(nurse)
    assert [404, 404] == [nurse.get(f"/labels/{number}").status_code for number in (1, 10**30)]


def test_a_count_that_fails_is_told(bench: PageBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a sentence, and the next request counts again."""
    from common.errors import DependencyAwayError
    from functions.review.labels import counted_labels

    def fail(*_: object, **__: object) -> None:
        raise DependencyAwayError("The database does not answer.")

    nurse = bench.sign_in()
    with monkeypatch.context() as patch:
        patch.setattr(counted_labels, "read_numbers", fail)
        patch.setattr(counted_labels, "_PAUSE_SECONDS", 0.0)
        assert wait_for(lambda: nurse.get("/labels/").status_code == 503, seconds=10)
        assert "The database does not answer." in nurse.get("/labels/").text
    assert wait_for(lambda: "No labels yet" in nurse.get("/labels/").text, seconds=30)


def test_after_a_fault_there_is_a_pause(bench: PageBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a database in trouble is not asked by every request; the limits of the connection stay."""
    from common.errors import DependencyAwayError
    from functions.review.labels import counted_labels

    counts = []

    def fail(connection: LimitedConnection, **_: object) -> None:
        counts.append((connection.seconds, connection.execute("show statement_timeout").fetchone()))
        raise DependencyAwayError("The database does not answer.")

    monkeypatch.setattr(counted_labels, "read_numbers", fail)
    nurse = bench.sign_in()
    assert wait_for(lambda: nurse.get("/labels/").status_code == 503, seconds=10)
    assert [503] * 3 == [nurse.get("/labels/").status_code for _ in range(3)]
    assert [(600, {"statement_timeout": "10min"})] == counts
    with bench.database.snapshot() as connection:
        assert 30.0 == connection.seconds
