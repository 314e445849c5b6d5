"""The sums of settled rows are compared with a count over all rows."""

import random
from threading import Thread

import pytest

from common.database import Database
from tests.support.random_rows import JUDGE, RandomRows


@pytest.mark.parametrize("seed", range(4))
def test_sums_are_equal_to_a_count(database: Database, seed: int) -> None:
    """After every random change, the sums are equal to a count over all rows."""
    rows = RandomRows(database, seed)
    changes = []
    for _ in range(70):
        changes.append(rows.step())
        assert rows.numbers("balance_recount") == rows.numbers("balance"), changes
    assert rows.functions("functions_recount") == rows.functions("functions"), changes
    assert rows.numbers("balance")["files_found"] > 5


def test_settled_rows_are_summed_up(database: Database) -> None:
    """When everything is settled, all rows are in the sums, and the balance closes."""
    rows = RandomRows(database, 1)
    for _ in range(6):
        rows.found()
        rows.copied()
    rows.run(
        "insert into ledger_item (function, bucket, key, etag, state) "
        "select 'extract', 'raw', raw_key, etag, 'running' from source_file"
    )
    while rows.numbers("balance")["files_waiting"]:
        rows.settled()
        aside = "state in ('held', 'refused', 'quarantined')"
        rows.run(f"update ledger_item set state = 'done', outcome = 'skipped' where {aside}")
    rows.run(JUDGE.format(verdict="'good'"))
    rows.run("update ledger_item set outcome = 'skipped' where outcome = 'duplicate'")
    before = rows.numbers("balance")
    rows.run("select count_settled(5000)")
    uncounted = rows.run("select from ledger_item where counted_as is null")
    uncounted += rows.run("select from source_file where counted_as is null")
    uncounted += rows.run("select from extraction where counted_images is null")
    assert 0 == uncounted
    assert before == rows.numbers("balance")
    assert (6, 0, 0) == (before["files_found"], before["files_difference"], before["images_difference"])


@pytest.mark.parametrize(
    "change",
    [
        "update ledger_item set state = 'quarantined', outcome = null where id = %(id)s",
        "update ledger_item set outcome = 'skipped' where id = %(id)s",
        "delete from ledger_item where id = %(id)s",
    ],
)
@pytest.mark.parametrize("most", [1, 5000])
def test_an_item_changes_after_its_file_was_added(database: Database, most: int, change: str) -> None:
    """The file is subtracted also if its item was not added yet: only so many are added in one call."""
    rows = RandomRows(database, 3)
    rows.found()
    rows.copied()
    rows.run(
        "insert into ledger_item (function, bucket, key, etag, state, outcome) "
        "values ('annotations', 'annotations', 'k', 'e', 'done', 'ingested')"
    )
    rows.claimed()
    rows.run("update ledger_item set state = 'done', outcome = 'erased' where function = 'extract'")
    rows.run("select count_settled(%(most)s)", most=most)
    added = rows.run("select from source_file where counted_as = 'erased'")
    assert (1, 0 if most > 1 else 1) == (
        added,
        rows.run("select from ledger_item where function = 'extract' and counted_as is null"),
    )
    item = database.one("select id from ledger_item where function = 'extract'") or {}
    rows.run(change, id=item["id"])
    assert rows.numbers("balance_recount") == rows.numbers("balance")


def test_a_file_is_found_whose_item_was_added_before(database: Database) -> None:
    """An object that was put directly counts as a file; found on the NAS, too, it is still one file."""
    rows = RandomRows(database, 4)
    rows.run(
        "insert into ledger_item (function, bucket, key, etag, state, outcome) "
        "values ('extract', 'raw', 'incoming/1', 'e', 'done', 'skipped')"
    )
    rows.run("select count_settled(10)")
    assert 1 == rows.run("select from ledger_item where counted_as = 'skipped'")
    rows.run(
        "insert into source_file (folder_id, path, size, modified_at, state, raw_key) "
        "values (1, '1', 1, now(), 'waiting', 'incoming/1')"
    )
    assert rows.numbers("balance_recount") == rows.numbers("balance")
    assert rows.functions("functions_recount") == rows.functions("functions")


@pytest.mark.parametrize("table", ["verdict", "image_allocation"])
def test_a_lost_row_shows_at_once(database: Database, table: str) -> None:
    """Rows deleted outside the pipeline show in the balance, although they were in the sums."""
    rows = RandomRows(database, 2)
    for change in (rows.found, rows.copied, rows.claimed):
        change()
    assert rows.extracted() is not None
    rows.run(JUDGE.format(verdict="'good'"))
    rows.counted()
    rows.run("select count_settled(100)")
    before = rows.numbers("balance")
    assert (0, 0) == (before["images_difference"], before["images_waiting"])
    rows.run("delete from verdict")
    if table == "image_allocation":
        rows.run("delete from image_allocation")
    after = rows.numbers("balance")
    assert before["frames"] == (after["images_waiting"] if table == "verdict" else after["images_difference"])


def test_summing_up_in_parallel_with_changes(database: Database) -> None:
    """While other threads change rows, the sums are updated without waiting, and are right in the end."""
    rows = [RandomRows.__new__(RandomRows) for _ in range(3)]
    first = RandomRows(database, 3)
    for number, each in enumerate(rows):
        each.__dict__ |= first.__dict__ | {"_random": random.Random(number), "_names": 10_000 * (number + 1)}
    failures: list[BaseException] = []

    def work(one: RandomRows) -> None:
        try:
            for _ in range(40):
                one.step()
        except BaseException as error:  # noqa: BLE001 the test reports it
            failures.append(error)

    threads = [Thread(target=work, args=[one]) for one in rows]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        first.run("select count_settled(50)")
    for thread in threads:
        thread.join()
    assert [] == failures
    assert first.numbers("balance_recount") == first.numbers("balance")
    assert first.functions("functions_recount") == first.functions("functions")
