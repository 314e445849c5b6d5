"""The migration that brings the verdict review, on a database with rows of the version before."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.database import Database
from infra.provision.schema import MIGRATIONS, migrate
from tests.support.random_rows import JUDGE, RandomRows

_JUDGED = JUDGE.format(
    verdict="(array['good', 'good', 'low_quality', 'black'])[1 + mod(sop_instance_uid::int, 4)]"
)
_MOVED = """
update image_allocation a set bucket = 'suboptimal' from verdict v
where v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame and v.verdict <> 'good'
"""
_VERDICTS = (
    "select to_jsonb(v) - 'review_from' - 'modality' as row from verdict v order by sop_instance_uid, frame"
)


@pytest.fixture
def older(empty_database: str, tmp_path: Path) -> Iterator[RandomRows]:
    """Judged and counted rows in the tables of the version before."""
    first = tmp_path / "first"
    first.mkdir()
    shutil.copy(MIGRATIONS / "0001_first.sql", first)
    migrate(empty_database, migrations=first)
    database = Database(empty_database)
    database.run("drop function record_verdict")
    database.run(_FUNCTION_BEFORE)
    rows = RandomRows(database, 5)
    for change in (rows.found, rows.copied, rows.claimed, *[rows.extracted] * 8):
        change()
    rows.run("update extraction set modality = 'CT' where number_of_frames = 1")
    rows.run(_JUDGED)
    rows.run(_MOVED)
    rows.run("update extraction set counted_images = null")
    rows.run(_COUNTED_BEFORE)
    yield rows
    database.close()


# As they were: without review_from, and with three numbers of counted images.
_FUNCTION_BEFORE = """
create function record_verdict(text, int, text, text, text, double precision, double precision,
    double precision, jsonb, text[], text, text, bytea) returns void language sql as $$ select $$
"""
_COUNTED_BEFORE = """
with numbers as (
    select sop_instance_uid, count(*) filter (where verdict = 'good') as good,
        count(*) filter (where verdict = 'black') as black,
        count(*) filter (where verdict = 'low_quality') as low_quality from verdict group by sop_instance_uid
), counted as (
    update extraction e set counted_images = array[good, black, low_quality]
    from numbers n where n.sop_instance_uid = e.sop_instance_uid
    returning number_of_frames, good, black, low_quality
)
insert into settled_total
select 'image', name, number from (
    select sum(number_of_frames) as frames, sum(good) as good, sum(black) as black,
        sum(low_quality) as low_quality from counted) as sums,
    lateral (values ('frames', frames), ('good', good), ('black', black), ('low_quality', low_quality))
        as named (name, number)
"""


def test_verdicts_of_before_stay_as_they_were(older: RandomRows, empty_database: str) -> None:
    """No verdict changes, none has a lower limit, and the balance has the same numbers and no review."""
    before = older.database.all(_VERDICTS)
    assert ["0002_review"] == migrate(empty_database)[:1]
    assert before == older.database.all(_VERDICTS)
    assert 0 == older.run("select from verdict where review_from is not null")
    assert older.run("select from verdict where modality = 'CT'")
    assert 0 == older.run(
        "select from verdict v join extraction e using (sop_instance_uid) "
        "where v.modality is distinct from coalesce(e.modality, '')"
    )
    balance = older.numbers("balance")
    assert (0, 0) == (balance["images_review"], balance["images_difference"])
    assert balance == older.numbers("balance_recount")
    assert balance["images_good"] * balance["images_black"] * balance["images_low_quality"] > 0


def test_images_counted_before_can_change_to_review_and_back(older: RandomRows, empty_database: str) -> None:
    """The sums follow a verdict that becomes review, and one that a person then sets."""
    migrate(empty_database)
    good = older.numbers("balance")["images_good"]
    for verdict, expected in (("review", 1), ("good", 0)):
        older.run(
            f"update verdict set verdict = '{verdict}' where (sop_instance_uid, frame) = ("
            "select sop_instance_uid, min(frame) from verdict where verdict in ('good', 'review') "
            "group by sop_instance_uid order by bool_or(verdict = 'review') desc, 1 limit 1)"
        )
        for _ in range(2):  # before and after the rows are summed up
            balance = older.numbers("balance")
            assert (expected, good - expected, 0) == (
                balance["images_review"],
                balance["images_good"],
                balance["images_difference"],
            )
            assert balance == older.numbers("balance_recount")
            older.run("select count_settled(5000)")
        assert 0 == older.run("select from extraction where counted_images is null")


def test_a_function_of_before_can_still_store_its_verdict(older: RandomRows, empty_database: str) -> None:
    """While functions are replaced, a call without the lower limit is understood."""
    migrate(empty_database)
    older.run(
        "select record_verdict(sop_instance_uid, frame, bucket, 'good', 'good', 0.1::float8, 0.5::float8, "
        "9::float8, '{}'::jsonb, '{}'::text[], 'normal', 'of before', null) from image_allocation"
    )
    models = older.database.all("select distinct model_version, review_from from verdict")
    assert [{"model_version": "of before", "review_from": None}] == models
