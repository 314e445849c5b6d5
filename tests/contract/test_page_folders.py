"""The page of the NAS folders: the numbers of their files and images."""

import re
from datetime import UTC, datetime

import pytest

from functions.review.folders.folder_list import PAGE, Folder, listed
from tests.support.page_bench import PageBench
from tests.support.page_rows import NOW, insert, insert_file, insert_image, insert_item

_NAME = "Doe^Jane <script>alert(1)</script>"


@pytest.fixture
def folders(bench: PageBench) -> PageBench:
    """Folder 1 has six files: extracted with a good and a low image, held, to be tried again, skipped, new.

    The good image has a label.
    """
    rows = bench.database
    insert(rows, "source_folder", name=_NAME)
    for number in range(1, 5):
        insert_file(rows, f"nas/{number}.dcm")
    insert_file(rows, "nas/5.dcm", state="skipped", cause="A PDF.")
    insert_file(rows, "nas/6.dcm", state="waiting")
    for number, verdict in ((1, "good"), (2, "low_quality")):
        insert_item(rows, f"nas/{number}.dcm", "done", outcome="extracted", sop_instance_uid=f"2.25.{number}")
        insert_image(rows, f"P/2.25.8/2.25.9/2.25.{number}/1.png", item=number, verdict=verdict)
    insert_item(rows, "nas/3.dcm", "held", cause="Text was found.")
    insert_item(rows, "nas/4.dcm", "retry", cause="The store was away.")
    insert(rows, "label_rule", rule="last")
    insert(rows, "label_name", name="fracture")
    _label(bench, value=1)
    return bench


def _label(bench: PageBench, *, value: float | None) -> None:
    """A label of image 1 by annotator 1."""
    insert(
        bench.database, "label", import_id=1, image_id=1, labelled_at=datetime.now(UTC), line=1, label_id=1,
        annotator_id=1, value=value,
    )  # fmt: skip


def _listed(bench: PageBench, *, before: int | None = None) -> list[Folder]:
    with bench.database.snapshot() as connection:
        return listed(connection, before=before, with_names=False)[0]


def test_the_way_of_the_files_of_a_folder(folders: PageBench) -> None:
    """Each file and image counts where it is, and what waits is told with its cause."""
    (folder,) = _listed(folders)
    assert (6, None) == (folder.files, folder.name)
    assert {
        "extracted": 2, "skipped": 1, "waiting": 2, "held": 1, "images": 2, "good": 1, "labelled": 1,
    } == folder.numbers  # fmt: skip
    assert {("held", "Text was found.", 1), ("waiting", "The store was away.", 1), ("waiting", None, 1)} == {
        (row["state"], row["cause"], row["number"]) for row in folder.waiting
    }


def test_a_label_of_the_study_counts_and_a_withdrawn_one_does_not(folders: PageBench) -> None:
    """As in the view current_label."""
    _label(folders, value=None)
    assert 0 == _listed(folders)[0].numbers["labelled"]
    insert(
        folders.database, "group_label", import_id=3, line=1, label_id=1, annotator_id=2, level="study",
        uid="2.25.8", value=1, labelled_at=NOW,
    )  # fmt: skip
    assert 2 == _listed(folders)[0].numbers["labelled"]


def test_only_a_reviewer_sees_the_names_of_folders(folders: PageBench) -> None:
    """Everybody else sees the number; the name is escaped, and is in no address."""
    for roles in (["viewer"], ["operator"]):
        assert "Doe" not in folders.sign_in(*roles).get("/folders/").text
    text = folders.sign_in("reviewer").get("/folders/").text
    assert "Doe^Jane &lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text
    assert [] == [
        address for address in re.findall(r'(?:href|src|action)="([^"]*)"', text) if "Doe" in address
    ]


def test_folders_come_in_pages_the_newest_first(folders: PageBench) -> None:
    """The next page begins below the last number of this one."""
    folders.database.run("insert into source_folder (name) select 'f' || i from generate_series(1, 60) i")
    first = _listed(folders)
    assert [*range(61, 61 - PAGE, -1)] == [folder.id for folder in first]
    rest = _listed(folders, before=first[PAGE - 1].id)
    assert [*range(11, 0, -1)] == [folder.id for folder in rest]
    viewer = folders.sign_in()
    assert f'href="/folders/?before={first[PAGE - 1].id}"' in viewer.get("/folders/").text
    assert "Older folders" not in viewer.get("/folders/?before=12").text
    assert "No folder was found on a NAS before these." in viewer.get("/folders/?before=1").text


def test_a_page_has_fewer_folders_if_they_have_many_files(
    folders: PageBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page counts only so many files, but at least one folder."""
    folders.database.run("insert into source_folder (name) select 'f' || i from generate_series(1, 3) i")
    folders.database.run("update source_file set folder_id = 3 where id = 6")
    monkeypatch.setattr("functions.review.folders.folder_list.PAGE_FILES", 5)
    assert [4, 3, 2] == [folder.id for folder in _listed(folders)]
    assert "/folders/?before=2" in folders.sign_in().get("/folders/").text
    monkeypatch.setattr("functions.review.folders.folder_list.PAGE_FILES", 1)
    assert [1] == [folder.id for folder in _listed(folders, before=2)]
