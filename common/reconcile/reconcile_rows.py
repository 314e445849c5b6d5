"""The rows of reconcile: what the tables expect, how far a pass is, and what it found."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from common.database import Database, Row, queries
from common.reconcile.difference import ROW, Difference, ExpectedObject, Finding

_SQL = queries(Path(__file__).with_name("reconcile.sql"))

_PAGE = 1000
_LAST = "\U0010ffff"  # after every key


@dataclass(frozen=True)
class PassPosition:
    """How far a pass is: everything before was compared."""

    id: int
    place: str
    after_key: str | None


@dataclass(frozen=True)
class Activity:
    """What goes on with the items of an object or instance."""

    is_busy: bool  # in work, due, or with a pending delete
    active_at: datetime | None  # when an item was last claimed or settled


@dataclass(frozen=True)
class ReconcileRows:
    """The rows in Postgres."""

    database: Database

    def expected(
        self, bucket: str, after: str | None, to_key: str | None, *, most: int
    ) -> list[ExpectedObject]:
        """The objects that rows expect after one key up to another, in order, at most `most`."""
        # No text in Postgres comes between a key and the same with U+0001, because none has a NUL.
        from_key = "" if after is None else f"{after}\x01"
        return self._expected(bucket, from_key, _LAST if to_key is None else to_key, most)[:most]

    def expected_at(self, bucket: str, key: str) -> list[ExpectedObject]:
        """The rows that expect an object under one key."""
        return self._expected(bucket, key, key, _PAGE)

    def _expected(self, bucket: str, from_key: str, to_key: str, most: int) -> list[ExpectedObject]:
        rows = self.database.all(_SQL["expected"], bucket=bucket, from_key=from_key, to_key=to_key, most=most)
        return sorted((ExpectedObject(**row) for row in rows), key=lambda row: row.key.encode())

    def all_expected(self, bucket: str) -> Iterator[ExpectedObject]:
        """Every object that rows expect in a bucket, in the order of keys, page by page."""
        after: str | None = None
        while True:
            page = self.expected(bucket, after, None, most=_PAGE)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].key

    def known(self, bucket: str, keys: list[str]) -> set[str]:
        """Those of the keys that belong to known work, though no row expects an object there."""
        return {row["key"] for row in self.database.all(_SQL["known"], bucket=bucket, keys=keys)}

    def activity(self, difference: Difference, keys: list[str]) -> Activity:
        """What goes on with the items that concern a difference; `keys` are those its object may have had."""
        row = self.database.one(
            _SQL["activity"],
            bucket=difference.bucket,
            keys=keys,
            uid=difference.sop_instance_uid,
            item=difference.item_id,
        )
        return Activity(**row) if row else Activity(is_busy=False, active_at=None)

    def row_differences(
        self, place: str, after: str | None, *, most: int, only: str | None = None
    ) -> tuple[list[Difference], str | None, int]:
        """The rows that lack others, the last key that was read (None at the end), and how many were."""
        rows = self.database.all(_SQL["rows"], place=place, after=after, only=only, most=most)
        (end,) = (row for row in rows if row["what"] is None)
        found = [_row_difference(place, row) for row in rows if row["what"] is not None]
        return found, end["row_key"], end["frame"]

    def next_bucket(self, after: str | None) -> str | None:
        """The image bucket after one."""
        row = self.database.one(_SQL["next_bucket"], after=after)
        return row["bucket"] if row else None

    def begin(self, mode: str, place: str) -> PassPosition:
        """The unfinished pass of a mode, or a new one."""
        self.database.run(_SQL["begin"], mode=mode, place=place)
        (row,) = self.database.all(_SQL["unfinished"], mode=mode)
        return PassPosition(**row)

    def take_turn(self, place: str, *, pause: float, rest: float) -> PassPosition | None:
        """The position of the rolling pass if its next step is due, for one caller only."""
        self.database.run(_SQL["begin_rolling"], place=place, pause=pause, rest=rest)
        row = self.database.one(_SQL["take_turn"], pause=pause)
        return PassPosition(**row) if row else None

    def advance(self, position: PassPosition, *, objects: int, rows: int, requests: int) -> None:
        """Store how far a pass is."""
        self.database.run(
            _SQL["advance"],
            id=position.id,
            place=position.place,
            after=position.after_key,
            objects=objects,
            rows=rows,
            requests=requests,
        )

    def end(self, pass_id: int) -> None:
        """Note that a pass is finished; earlier ones are forgotten."""
        self.database.run(_SQL["end"], id=pass_id)
        self.database.run(_SQL["delete_old_passes"])

    def pass_row(self, pass_id: int) -> Row:
        """The counts and times of a pass."""
        return self.database.one(_SQL["pass"], id=pass_id) or {}

    def note(self, differences: Iterable[Difference]) -> None:
        """Store differences that were seen, so that they are looked at again."""
        for difference in differences:
            self.database.run(_SQL["note"], **asdict(difference))

    def to_look_at(self, *, pause: float, again: float, most: int) -> list[Finding]:
        """Differences seen once at least `pause` seconds ago, and findings not looked at for `again`."""
        rows = self.database.all(_SQL["to_look_at"], pause=pause, again=again, most=most)
        return [finding_of(row) for row in rows]

    def looked_at(self, finding: Finding, found: Difference, *, is_confirmed: bool) -> None:
        """Note that a difference is still there, or that work may still explain it."""
        values = {"id": finding.id, **asdict(found)}
        if found.identity != finding.difference.identity:
            self.database.run(_SQL["delete_same"], **values)
        self.database.run(_SQL["looked_at"], confirmed=is_confirmed, **values)

    def delete(self, finding: Finding) -> None:
        """Forget a difference that is no more."""
        self.database.run(_SQL["delete_finding"], id=finding.id)

    def findings(self, *, confirmed: bool = True) -> list[Finding]:
        """The findings; or the differences that were seen once."""
        return [finding_of(row) for row in self.database.all(_SQL["findings"], confirmed=confirmed)]


def finding_of(row: Row) -> Finding:
    """A row of reconcile_finding."""
    names = Difference.__dataclass_fields__
    difference = Difference(**{name: row[name] for name in names})
    return Finding(row["id"], difference, row["first_seen_at"], row["confirmed_at"] is not None)


def _row_difference(place: str, row: Row) -> Difference:
    frame = "" if row["frame"] is None else f"/{row['frame']}"
    return Difference(
        ROW,
        row["what"],
        place,
        row["row_key"] + frame,
        sop_instance_uid=row["sop_instance_uid"],
        frame=row["frame"],
        item_id=row["item_id"],
        file_id=row["file_id"],
    )
