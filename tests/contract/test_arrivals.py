"""Files that were found on the NAS, by hour."""

from common.database import Database
from functions.review.overview.overview_numbers import read_overview

_FOUND = """
insert into source_file (folder_id, path, size, modified_at, state)
select 1, %(prefix)s || i, 1, now(), 'waiting' from generate_series(1, %(files)s) as i"""


def test_arrivals_are_counted_by_hour(database: Database) -> None:
    """Every statement adds its files to the hour; hours of more than eight days ago are forgotten."""
    database.run("insert into source_folder (name) values ('one')")
    database.run("insert into arrival_hour values (now() - interval '9 days', 5)")
    for prefix, files in (("a", 3), ("b", 4)):
        database.run(_FOUND, prefix=prefix, files=files)
    assert [{"files": 7}] == database.all("select sum(files)::int as files from arrival_hour")
    with database.snapshot() as connection:
        arrivals = read_overview(connection)["arrivals"]
    assert (24, 7) == (len(arrivals), sum(row["files"] for row in arrivals))
