"""Label rows: their contract, in memory and in Postgres."""

from collections.abc import Iterator
from itertools import count

import pytest

from common.errors import PermanentError
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from functions.annotations.formats.label_file import LabelFile, read_label_file
from functions.annotations.formats.refused_row import Refusals, RefusedRow
from functions.annotations.formats.vocabulary import Vocabulary
from functions.annotations.storage import direct_import
from functions.annotations.storage.import_counts import ImportCounts
from tests.contract.conftest import KINDS
from tests.contract.tables import PATIENT, Tables, instance_path, make_tables
from tests.support.label_files import pieces

UID = instance_path(1).sop_instance_uid
KEY = instance_path(1).frame(1)
Said = dict[tuple[str, str, str], float]


@pytest.fixture(params=KINDS)
def tables(request: pytest.FixtureRequest) -> Tables:
    return make_tables(request, capacity=400)


@pytest.fixture
def keys() -> Iterator[str]:
    return (f"file {number}" for number in count(1))


class Labels:
    """Imports text as files, and looks at what stands then."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.files = 0
        self.refused: list[RefusedRow] = []

    def keep(
        self, text: str, *, key: str | None = None, vocabulary: Vocabulary | None = None
    ) -> ImportCounts:
        """Import a file; `refused` has its refused rows."""
        self.files += 1
        version = ObjectVersion(Location("annotations", key or f"file {self.files}"), "etag", len(text))

        def read() -> LabelFile:
            return read_label_file(pieces(text.encode()), vocabulary or Vocabulary())

        def report(_: ImportCounts, refused: Refusals) -> None:
            self.refused = refused.rows

        counts = self.tables.labels.keep(version, read, renew=lambda: None, report=report)
        assert self.tables.labels.known(version) is not None
        return counts

    def rows(self, *rows: str, columns: str = "image,label,value") -> ImportCounts:
        """Import a long table of such rows."""
        return self.keep("\n".join([columns, *rows]))

    def standing(self) -> Said:
        """Image, label and annotator, with the value."""
        if self.tables.database is None:
            found = self.tables.labels.standing()  # type: ignore[attr-defined]
            return {
                (f"{uid}/{frame}", label, who): value for ((uid, frame), label, who), value in found.items()
            }
        rows = self.tables.database.all(
            "select a.sop_instance_uid || '/' || a.frame as image, n.name as label, w.name as who, s.value "
            "from latest_label s join image_allocation a using (image_id) "
            "join label_name n on n.id = s.label_id join annotator w on w.id = s.annotator_id"
        )
        return {(row["image"], row["label"], row["who"]): row["value"] for row in rows}


@pytest.fixture
def labels(tables: Tables) -> Labels:
    return Labels(tables)


def counts(form: str = "long table", **numbers: int) -> ImportCounts:
    return ImportCounts(form, **numbers)


def test_images_are_found_by_every_name(labels: Labels) -> None:
    """By s3 URL, key, end of key, file name, UID with frame, and UID alone where there is one frame."""
    (image,) = labels.tables.place(1)
    labels.tables.place(2, frames=2)
    end = f"{UID}/1.png"
    names = [
        *(
            f"s3://{image.bucket}/{KEY}",
            KEY,
            f"/{KEY}",
            end,
            f"2.25.2/{end}",
            f"{UID}_1.png",
            f"{UID}/1",
            UID,
        ),
        *(f"s3://suboptimal/{KEY}", f"http://store/{image.bucket}/{KEY}?X-Amz-Signature=1"),
    ]
    told = labels.rows(*(f"{name},label {number},1" for number, name in enumerate(names)))
    assert (counts(accepted=len(names)), []) == (told, labels.refused)
    assert {(f"{UID}/1", f"label {number}", ""): 1.0 for number in range(len(names))} == labels.standing()
    assert counts(accepted=1) == labels.rows("2.png,second,0.25")
    assert 0.25 == labels.standing()[f"{instance_path(2).sop_instance_uid}/2", "second", ""]


def test_names_of_several_images_are_refused_with_their_number(labels: Labels) -> None:
    """A bare file name, or an instance without a frame, that several images have."""
    for number in range(3):
        labels.tables.place(number, frames=2)
    assert counts(refused=2) == labels.rows("1.png,a,1", f"{UID},a,1")
    assert ["fits 3 images", "has 2 frames"] == [
        next(words for words in ("fits 3 images", "has 2 frames") if words in row.cause)
        for row in labels.refused
    ]


@pytest.mark.parametrize("name", ["9.png", f"%/{UID}/1.png", f"2.25.77/{UID}/1.png", f"_/{UID}/1.png"])
def test_names_that_fit_no_image_are_refused(labels: Labels, name: str) -> None:
    """Unknown file names, and known images in other folders, wildcards among them."""
    labels.tables.place(1)
    assert counts(refused=1) == labels.rows(f"{name},a,1")
    assert {} == labels.standing()


def test_held_labels_are_applied_once_their_image_is_there(labels: Labels) -> None:
    """Labels that came before their image are given it later; others stay held."""
    rows = [f"{KEY},a,1", f"{UID}/1,b,0", f"{UID},c,-1", "2.25.9/1.png,a,1", f"P/{UID}/1.png,a,0"]
    assert counts(held=4, refused=0, repeated=0) == labels.rows(*rows[:4])
    assert 0 == labels.tables.labels.apply_held()
    labels.tables.place(1)
    assert 3 == labels.tables.labels.apply_held()
    assert 0 == labels.tables.labels.apply_held()
    assert {
        (f"{UID}/1", name, ""): value for name, value in (("a", 1.0), ("b", 0.0), ("c", -1.0))
    } == labels.standing()


def test_held_label_of_one_frame_waits_while_there_are_several(labels: Labels) -> None:
    """A UID alone says nothing of an instance that turns out to have several frames."""
    labels.rows(f"{UID},a,1")
    labels.tables.place(1, frames=2)
    assert 0 == labels.tables.labels.apply_held()


def test_held_label_is_not_newer_than_what_was_said_since(labels: Labels) -> None:
    """A held label keeps the time at which it was said."""
    labels.rows(f"{KEY},a,1")
    labels.tables.place(1)
    labels.rows(f"{KEY},a,0")
    assert 1 == labels.tables.labels.apply_held()
    assert {(f"{UID}/1", "a", ""): 0.0} == labels.standing()


def test_same_file_again_keeps_no_second_import(labels: Labels) -> None:
    """A file that was kept before a crash is not kept twice, and tells the same counts."""
    labels.tables.place(1)
    text = f"image,label,value\n{KEY},a,1\n2.25.9/1.png,a,1\n"
    first = labels.keep(text, key="again")
    assert counts(accepted=1, held=1) == first == labels.keep(text, key="again")


def test_newer_row_of_the_same_annotator_supersedes(labels: Labels) -> None:
    """Of one annotator the newest stands, by the told time, else by the import; others beside it."""
    labels.tables.place(1)
    columns = "image,label,value,annotator,time"
    labels.rows(f"{KEY},a,1,A,2026-01-02", f"{KEY},a,0,B,2026-01-02", columns=columns)
    assert counts(accepted=1) == labels.rows(f"{KEY},a,0,A,2026-01-01", columns=columns)
    assert {(f"{UID}/1", "a", "A"): 1.0, (f"{UID}/1", "a", "B"): 0.0} == labels.standing()
    assert counts(accepted=1, superseded=1) == labels.rows(f"{KEY},a,-1,A,", columns=columns)
    assert -1.0 == labels.standing()[f"{UID}/1", "a", "A"]


def test_contradictions_and_repeats_within_a_file(labels: Labels) -> None:
    """Different values of the same thing are refused, all of them; equal ones count once."""
    labels.tables.place(1)
    told = labels.rows(
        *(
            f"{KEY},a,1",
            f"{UID}/1,a,0",
            f"{KEY},b,1",
            f"{UID},b,1.0",
            f"s3://x/{KEY},b,1",
            "2.25.9/1,c,0",
            "2.25.9_1,c,1",
        )
    )
    assert counts(accepted=1, repeated=2, refused=4) == told
    assert [2, 3, 7, 8] == [row.line for row in labels.refused]
    assert {(f"{UID}/1", "b", ""): 1.0} == labels.standing()


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (f"{KEY},d,1,A", {"accepted": 7, "superseded": 1}),  # an image the rows come back to
        (f"{KEY},b,1,A", {"accepted": 6, "superseded": 1, "repeated": 1}),
        (f"{KEY},b,0,A", {"accepted": 5, "superseded": 1, "refused": 2}),
        ("2.25.9/1.png,a,1,A", {"accepted": 6, "superseded": 1, "held": 1}),
        ("9.png,a,1,A", {"accepted": 6, "superseded": 1, "refused": 1}),
        (f"{UID}/1,a,x,A", {"accepted": 6, "superseded": 1, "refused": 1}),
        (f"{instance_path(3).frame(1)},c,1,A", {"accepted": 6, "superseded": 1, "repeated": 1}),
    ],
)
def test_rows_at_the_end_that_need_the_others(
    labels: Labels, monkeypatch: pytest.MonkeyPatch, last: str, told: dict[str, int]
) -> None:
    """What was copied already, many rows before, counts once and as if all were looked at together."""
    monkeypatch.setattr(direct_import, "_BATCH", 2)
    for number in (1, 2, 3):
        labels.tables.place(number)
    columns = "image,label,value,annotator"
    labels.rows(f"{KEY},a,0,A", columns=columns)
    rows = [f"{instance_path(number).frame(1)},{label},1,A" for number in (1, 2, 3) for label in ("a", "b")]
    rows[-1] = f"{instance_path(3).frame(1)},c,1,A"
    assert counts(**told) == labels.rows(*rows, last, columns=columns)
    assert told["accepted"] == len(labels.standing())


def test_other_times_or_annotators_contradict_nothing(labels: Labels) -> None:
    """Two annotators, or one at two times, may say different things in one file."""
    labels.tables.place(1)
    rows = [f"{KEY},a,1,A,2026-01-01", f"{KEY},a,0,A,2026-01-02", f"{KEY},a,1,B,2026-01-01"]
    assert counts(accepted=3) == labels.rows(*rows, columns="image,label,value,annotator,time")
    assert {(f"{UID}/1", "a", "A"): 0.0, (f"{UID}/1", "a", "B"): 1.0} == labels.standing()


def test_many_rows_refused_are_told_in_the_order_of_the_file(labels: Labels) -> None:
    """Rows refused by what they say and by what they name are told by line, the first thousand."""
    rows = [f"9.png,a{number},1" if number % 2 else f"{KEY},a,x" for number in range(3000)]
    assert counts(refused=3000) == labels.rows(*rows)
    lines = [row.line for row in labels.refused]
    assert (sorted(lines), 1000) == (lines, len(lines))


def test_file_that_breaks_off_changes_nothing(labels: Labels) -> None:
    """A file that turns out unreadable after good rows leaves no trace."""
    labels.tables.place(1)
    good = f'{{"image": "{KEY}", "label": "a", "value": 1}}'
    with pytest.raises(PermanentError):
        labels.keep(f"[{good}, {good[:20]}", key="broken")
    assert {} == labels.standing()
    assert labels.tables.labels.known(ObjectVersion(Location("annotations", "broken"), "etag", 1)) is None


def test_names_are_data(labels: Labels) -> None:
    """Whatever stands in a label or an annotator's name is kept as it is."""
    labels.tables.place(1)
    names = ["'; drop table label; --", "=cmd|' /C calc'!A0", "\\N", "a\\tb", "%s %(id)s", "Größe 🫁"]
    rows = [f'{KEY},"{name}",1,"{name}"' for name in names]
    assert counts(accepted=len(names)) == labels.rows(*rows, columns="image,label,value,annotator")
    assert {(f"{UID}/1", name, name): 1.0 for name in names} == labels.standing()


def test_greater_things_are_taken(labels: Labels) -> None:
    """Rows of an instance, series or study count as accepted once it has images, else as held."""
    rows = ["2.25.1,study,a,1", "2.25.2,series,b,1", f"{UID},instance,c,1"]
    columns = "image,level,label,value"
    assert counts(held=3) == labels.rows(*rows, columns=columns)
    assert PATIENT in KEY


def _task(*, choices: list[str], time: str, who: int = 1, image: str = KEY, project: int = 1) -> str:
    picked = ", ".join(f'"{choice}"' for choice in choices)
    result = f'{{"type": "choices", "from_name": "c", "value": {{"choices": [{picked}]}}}}' if choices else ""
    return (
        f'{{"id": 1, "project": {project}, "data": {{"image": "s3://b/{image}"}}, "annotations": '
        f'[{{"completed_by": {who}, "updated_at": "2026-01-0{time}", "result": [{result}]}}]}}'
    )


def test_answer_withdraws_what_it_does_not_choose_again(labels: Labels) -> None:
    """What an annotator chose before, and does not choose in a newer answer, is 0 from then on."""
    labels.tables.place(1)
    assert counts("Label Studio", accepted=2) == labels.keep(f"[{_task(choices=['a', 'b'], time='1')}]")
    assert counts("Label Studio", accepted=1, superseded=2) == labels.keep(
        f"[{_task(choices=['b'], time='3')}]"
    )
    assert {(f"{UID}/1", "a", "1"): 0.0, (f"{UID}/1", "b", "1"): 1.0} == labels.standing()
    labels.keep(f"[{_task(choices=['a'], time='2')}]")  # one that comes late
    assert {(f"{UID}/1", "a", "1"): 0.0, (f"{UID}/1", "b", "1"): 1.0} == labels.standing()
    labels.keep(f"[{_task(choices=[], time='4')}]")
    assert {(f"{UID}/1", "a", "1"): 0.0, (f"{UID}/1", "b", "1"): 0.0} == labels.standing()


def test_answer_withdraws_nothing_of_others(labels: Labels) -> None:
    """Other annotators, other projects and labels from tables stay as they are."""
    labels.tables.place(1)
    labels.rows(f"{KEY},t,1,1", columns="image,label,value,annotator")
    labels.keep(f"[{_task(choices=['a'], time='1', who=2)}, {_task(choices=['p'], time='1', project=2)}]")
    labels.keep(f"[{_task(choices=[], time='2')}]")
    assert {1.0} == set(labels.standing().values())
    assert 3 == len(labels.standing())


def test_answers_are_held_too(labels: Labels) -> None:
    """Answers about an image that comes later are applied in the order in which they were given."""
    labels.keep(f"[{_task(choices=['a'], time='1')}]")
    labels.keep(f"[{_task(choices=[], time='2')}]")
    labels.tables.place(1)
    assert 1 == labels.tables.labels.apply_held()
    assert {(f"{UID}/1", "a", "1"): 0.0} == labels.standing()
    assert 0 == labels.tables.labels.apply_held()


@pytest.mark.parametrize("zone", ["+20:00", "-23:59", "+01:02:03.5"])
def test_times_of_any_zone_are_kept(labels: Labels, zone: str) -> None:
    """A zone that the database does not know costs neither its row nor the others of the file."""
    labels.tables.place(1)
    columns, row = "image,label,value,time", f"2026-11-20T16:05:00{zone}"
    assert counts(accepted=2) == labels.rows(f"{KEY},a,1,{row}", f"{KEY},b,1,", columns=columns)
    assert counts(accepted=1, repeated=1) == labels.rows(*[f"{KEY},c,1,{row}"] * 2, columns=columns)
