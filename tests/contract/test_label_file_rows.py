"""The contract of the label rows, in memory and in Postgres: the rows within one file."""

import pytest

from common.errors import PermanentError
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from functions.annotations.formats.vocabulary import Vocabulary
from functions.annotations.storage import direct_import
from tests.contract.label_imports import KEY, UID, LabelFiles, counts
from tests.contract.tables import PATIENT, instance_path
from tests.support.uids import uid


def test_contradictions_and_repeats_within_a_file(labels: LabelFiles) -> None:
    """All rows with different values of the same label are refused; equal ones count once."""
    labels.tables.allocate(1)
    imported = labels.import_rows(
        *(
            f"{KEY},a,1",
            f"{UID}/1,a,0",
            f"{KEY},b,1",
            f"{UID},b,1.0",
            f"s3://x/{KEY},b,1",
            f"{uid(9)}/1,c,0",
            f"{uid(9)}_1,c,1",
        )
    )
    assert counts(accepted=1, repeated=2, refused=4) == imported
    assert [2, 3, 7, 8] == [row.line for row in labels.refused]
    assert {(f"{UID}/1", "b", ""): 1.0} == labels.current()


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (f"{KEY},d,1,A", {"accepted": 7, "superseded": 1}),  # returns to an earlier image
        (f"{KEY},b,1,A", {"accepted": 6, "superseded": 1, "repeated": 1}),
        (f"{KEY},b,0,A", {"accepted": 5, "superseded": 1, "refused": 2}),
        (f"{uid(9)}/1.png,a,1,A", {"accepted": 6, "superseded": 1, "held": 1}),
        ("9.png,a,1,A", {"accepted": 6, "superseded": 1, "refused": 1}),
        (f"{UID}/1,a,x,A", {"accepted": 6, "superseded": 1, "refused": 1}),
        (f"{instance_path(3).frame(1)},c,1,A", {"accepted": 6, "superseded": 1, "repeated": 1}),
    ],
)
def test_row_at_the_end_that_needs_a_staged_import(
    labels: LabelFiles, monkeypatch: pytest.MonkeyPatch, last: str, expected: dict[str, int]
) -> None:
    """Rows that were already copied directly count once, as in a staged import."""
    monkeypatch.setattr(direct_import, "_BATCH", 2)
    for number in (1, 2, 3):
        labels.tables.allocate(number)
    columns = "image,label,value,annotator"
    labels.import_rows(f"{KEY},a,0,A", columns=columns)
    rows = [f"{instance_path(number).frame(1)},{label},1,A" for number in (1, 2, 3) for label in ("a", "b")]
    rows[-1] = f"{instance_path(3).frame(1)},c,1,A"
    assert counts(**expected) == labels.import_rows(*rows, last, columns=columns)
    assert expected["accepted"] == len(labels.current())


def test_other_times_or_annotators_do_not_contradict(labels: LabelFiles) -> None:
    """Two annotators, or one annotator at two times, may give different values in one file."""
    labels.tables.allocate(1)
    rows = [f"{KEY},a,1,A,2026-01-01", f"{KEY},a,0,A,2026-01-02", f"{KEY},a,1,B,2026-01-01"]
    assert counts(accepted=3) == labels.import_rows(*rows, columns="image,label,value,annotator,time")
    assert {(f"{UID}/1", "a", "A"): 0.0, (f"{UID}/1", "a", "B"): 1.0} == labels.current()


def test_refused_rows_are_listed_in_the_order_of_the_file(labels: LabelFiles) -> None:
    """Rows refused for their values or their image are listed by line, the first thousand of them."""
    rows = [f"9.png,label {number % 1000},1" if number % 2 else f"{KEY},a,x" for number in range(3000)]
    assert counts(refused=3000) == labels.import_rows(*rows)
    lines = [row.line for row in labels.refused]
    assert (sorted(lines), 1000) == (lines, len(lines))


def test_all_lines_that_are_refused_by_comparison_are_known(labels: LabelFiles) -> None:
    """Lines refused for their image or a contradiction are known, also beyond the listed ones."""
    labels.tables.allocate(1)
    rows = ["9.png,mass,1", f"{KEY},nodule,1", f"{KEY},fracture,1", f"{KEY},fracture,0"] * 700
    labels.import_rows(*rows)
    assert (1000, [2, 4, 5]) == (len(labels.refused), [row.line for row in labels.refused[:3]])
    later = [line in labels.refused_later for line in range(2, 2802)]
    assert [True, False, True, True] * 700 == later
    assert 2802 not in labels.refused_later


def test_words_of_refused_rows_are_in_no_table(labels: LabelFiles) -> None:
    """Nothing of a label, annotator, folder or UID that may name a patient reaches the database."""
    original = "1.2.840.113619.2.55"
    rows = [
        *(f"{KEY},Mustermann,1,", f"{KEY},mass,1,Mustermann^Max", f"Mustermann/{UID}/1.png,mass,1,"),
        *(
            f"{original},mass,1,",
            f"{original}/1.png,mass,1,",
            f"{PATIENT}/{original}/{uid(2)}/{UID}/1.png,mass,1,",
        ),
        f"s3://Mustermann/{instance_path(9).frame(1)},mass,1,reader 1",
    ]
    imported = labels.import_rows(*rows, columns="image,label,value,annotator")
    assert counts(held=1, refused=6) == imported
    group = f"{original},study,mass,1"
    assert counts(refused=1) == labels.import_rows(group, columns="image,level,label,value")
    stored = labels.everything()
    assert "mass" in stored
    assert all(word not in stored for word in ("Mustermann", original))


def test_truncated_file_changes_nothing(labels: LabelFiles) -> None:
    """A file that is unreadable after good rows leaves no rows."""
    labels.tables.allocate(1)
    good = f'{{"image": "{KEY}", "label": "a", "value": 1}}'
    with pytest.raises(PermanentError):
        labels.import_text(f"[{good}, {good[:20]}", key="broken")
    assert {} == labels.current()
    assert (
        labels.tables.labels.find_import(ObjectVersion(Location("annotations", "broken"), "etag", 1)) is None
    )


def test_names_are_data(labels: LabelFiles) -> None:
    """The names of labels and annotators are stored unchanged, whatever they contain."""
    labels.tables.allocate(1)
    names = ["'; drop table label; --", "=cmd|' /C calc'!A0", "\\N", "a\\tb", "%s %(id)s", "Größe 🫁"]
    rows = [f'{KEY},"{name}",1,"{name}"' for name in names]
    columns, vocabulary = "image,label,value,annotator", Vocabulary(frozenset(names))
    assert counts(accepted=len(names)) == labels.import_rows(*rows, columns=columns, vocabulary=vocabulary)
    assert {(f"{UID}/1", name, name): 1.0 for name in names} == labels.current()


@pytest.mark.parametrize("zone", ["+20:00", "-23:59", "+01:02:03.5"])
def test_times_of_any_zone_are_stored(labels: LabelFiles, zone: str) -> None:
    """A zone that Postgres does not know does not fail its row or the other rows of the file."""
    labels.tables.allocate(1)
    columns, row = "image,label,value,time", f"2026-11-20T16:05:00{zone}"
    assert counts(accepted=2) == labels.import_rows(f"{KEY},a,1,{row}", f"{KEY},b,1,", columns=columns)
    assert counts(accepted=1, repeated=1) == labels.import_rows(*[f"{KEY},c,1,{row}"] * 2, columns=columns)
