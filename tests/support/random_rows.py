"""Rows of the ledger that are changed at random, for tests of the sums of settled rows."""

import random
from pathlib import Path
from threading import Lock
from typing import Any

from common.database import Database, queries
from infra.health import status

_SQL = queries(Path(status.__file__).with_suffix(".sql"))
JUDGE = """
insert into verdict (sop_instance_uid, frame, verdict, by_model, score, threshold, mean_grey, features,
    reasons, confidence, model_version)
select sop_instance_uid, frame, {verdict}, 'good', 0, 1, 1, '{{}}', '{{}}', 'normal', '1'
from image_allocation
"""
_STATES = ("running", "retry", "held", "refused", "quarantined", "done")


class RandomRows:
    """Rows of files and images, changed at random as the pipeline and its operators change them."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self._random = random.Random(seed)
        self._names = 0
        # One thread must not delete an item while another inserts an instance of it: the foreign key
        # would rightly refuse one of the two, but that is not what these tests are about.
        self._item_lock = Lock()
        self.run("insert into source_folder (name) values ('f')")
        self.run("insert into image_bucket (bucket, capacity) values ('images-1', 10000)")

    def run(self, statement: str, **values: object) -> int:
        return self.database.run(statement, **values)  # type: ignore[arg-type]

    def step(self) -> str:
        """Make one random change; return its name."""
        change = self._random.choice(
            [
                *(
                    self.found,
                    self.copied,
                    self.claimed,
                    self.claimed,
                    self.settled,
                    self.settled,
                    self.judged,
                ),
                *(self.judged, self.counted, self.counted, self.skipped, self.put_directly, self.replayed),
                *(self.overruled, self.scrubbed, self.lost_verdict, self.lost_item, self.changed_on_the_nas),
            ]
        )
        change()
        return change.__name__

    def some(self, table: str, condition: str = "true") -> str:
        """A condition that selects one random row by its ctid."""
        return (
            f"{table}.ctid = (select ctid from {table} where {condition} "
            f"order by md5(ctid::text || {self._random.random()}) limit 1)"
        )

    def found(self) -> None:
        self._names += 1
        self.run(
            "insert into source_file (folder_id, path, size, modified_at, state, raw_key) "
            "values (1, %(name)s, 1, now(), 'waiting', 'incoming/' || %(name)s)",
            name=str(self._names),
        )

    def copied(self) -> None:
        self.run(
            "update source_file set state = 'copied', etag = 'e' where "
            + self.some("source_file", "etag is null")
        )

    def skipped(self) -> None:
        self._names += 1
        self.run(
            "insert into source_file (folder_id, path, size, modified_at, state, cause) "
            "values (1, %(name)s, 1, now(), 'skipped', 'junk')",
            name=str(self._names),
        )

    def changed_on_the_nas(self) -> None:
        self.run(
            "update source_file set etag = 'other' where " + self.some("source_file", "etag = 'e'"),
        )

    def put_directly(self) -> None:
        """Under a key that a file of the NAS may get, too."""
        key = f"incoming/{self._names + self._random.choice([1, 1000])}"
        self.run(
            "insert into ledger_item (function, bucket, key, etag, state, lease_until) "
            "values ('extract', 'raw', %(key)s, 'e', 'running', now()) on conflict do nothing",
            key=key,
        )

    def claimed(self) -> None:
        self.run(
            "insert into ledger_item (function, bucket, key, etag, state, lease_until) "
            "select 'extract', 'raw', raw_key, 'e', 'running', now() from source_file "
            "where raw_key is not null and "
            + self.some("source_file", "state = 'copied'")
            + " on conflict do nothing"
        )

    def settled(self) -> None:
        ends = [
            ("done", "extracted"),
            ("done", "extracted"),
            ("done", "skipped"),
            ("held", None),
            ("refused", None),
        ]
        state, outcome = self._random.choice(
            [*ends, ("quarantined", None), ("retry", None), ("done", "duplicate")]
        )
        uid = None
        if outcome in {"extracted", "duplicate"}:
            uid = self.extracted() if outcome == "extracted" else "1"
        self.run(
            "update ledger_item set state = %(state)s, outcome = %(outcome)s, sop_instance_uid = %(uid)s "
            "where " + self.some("ledger_item", "function = 'extract' and state in ('running', 'retry')"),
            state=state,
            outcome=outcome,
            uid=uid,
        )

    def extracted(self) -> str | None:
        self._names += 1
        uid, frames = str(self._names), self._random.choice([1, 1, 3])
        with self._item_lock:
            touched = self.run(
                "insert into extraction (sop_instance_uid, item_id, content_digest, number_of_frames, "
                "recipe_version, pipeline_version, completed_at) "
                "select %(uid)s, min(id), 'd', %(frames)s, 1, '1', now() "
                "from ledger_item having min(id) is not null",
                uid=uid,
                frames=frames,
            )
        if not touched:
            return None
        self.run(
            "insert into image_allocation (sop_instance_uid, frame, allocated_bucket, bucket, key) "
            "select %(uid)s, n, 'images-1', 'images-1', %(uid)s || '/' || n || '.png' "
            "from generate_series(1, %(frames)s::int) as n",
            uid=uid,
            frames=frames,
        )
        return uid

    def judged(self) -> None:
        verdict = self._random.choice(["good", "good", "review", "black", "low_quality"])
        self.run(
            JUDGE.format(verdict="%(verdict)s")
            + " where "
            + self.some("image_allocation")
            + " on conflict (sop_instance_uid, frame) do update set verdict = excluded.verdict",
            verdict=verdict,
        )
        self.run(
            "update image_allocation a "
            "set bucket = case when verdict in ('good', 'review') then allocated_bucket "
            "else 'suboptimal' end "
            "from verdict v where v.sop_instance_uid = a.sop_instance_uid and v.frame = a.frame"
        )

    def counted(self) -> None:
        self.run("select count_settled(%(most)s)", most=self._random.choice([1, 3, 5000]))

    def replayed(self) -> None:
        self.run(
            "update ledger_item set state = 'retry' where " + self.some("ledger_item", "state <> 'running'")
        )

    def overruled(self) -> None:
        self.run("update verdict set verdict = 'good' where " + self.some("verdict", "verdict <> 'good'"))

    def scrubbed(self) -> None:
        self.run(
            "update source_file set raw_key = 'erased/' || id, etag = 'erased' where "
            + self.some("source_file", "state = 'copied'")
        )

    def lost_verdict(self) -> None:
        self.run("delete from verdict where " + self.some("verdict"))

    def lost_item(self) -> None:
        with self._item_lock:
            self.run(
                "delete from ledger_item where id not in (select item_id from extraction) and "
                + self.some("ledger_item")
            )

    def numbers(self, query: str) -> dict[str, Any]:
        return self.database.one(_SQL[query]) or {}

    def functions(self, query: str) -> dict[str, Any]:
        rows = self.database.all(_SQL[query])
        counts = {row["function"]: [row[state] for state in _STATES] for row in rows}
        return {function: numbers for function, numbers in counts.items() if any(numbers)}
