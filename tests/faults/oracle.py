"""What must be there, known from what went in, compared with what the buckets and tables hold.

Nothing is asked of the ledger but its own balance: objects are listed, tables are read.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import psycopg

from common.store.object_store import ListedObject
from deidentification.pseudonym import Pseudonyms
from tests.faults.input_files import PICTURES, InputFile, Kind
from tests.support.local_home import RunningHome

IMAGES = "images-"
_PLACES = ("raw", "quarantine")
_QUERIES = {
    "allocated": "select key, bucket from image_allocation",
    "verdicts": "select a.key, v.verdict from verdict v "
    "join image_allocation a using (sop_instance_uid, frame)",
    "images": "select a.key, i.sha256 from image i join image_allocation a using (sop_instance_uid, frame)",
    "instances": "select sop_instance_uid from instance",
    "studies": "select study_instance_uid from study",
    "extracted": "select sop_instance_uid from extraction where completed_at is not null",
    "labelled": "select a.key, false as held from label join image_allocation a using (image_id) "
    "union all select name, true from held_label",
}


@dataclass
class Differences:
    """What is not as it must be, by bar."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # in another state than its right one
    overfull: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)

    @property
    def number(self) -> int:
        return sum(map(len, vars(self).values()))

    def __str__(self) -> str:
        return "; ".join(f"{name}: {len(found)} {found[:6]}" for name, found in vars(self).items() if found)


@dataclass(frozen=True)
class Oracle:
    """Knows what went in; looks at the stores by itself."""

    home: RunningHome
    inputs: Sequence[InputFile]
    pseudonyms: Pseudonyms
    limit: int  # images in a bucket
    labels: Sequence[str] = ()  # the images that labels were given for

    @cached_property
    def pictures(self) -> dict[str, int]:
        """Frames by the stem of the keys, each instance once."""
        return {f.stem(self.pseudonyms): f.frames for f in self.inputs if f.kind in PICTURES}

    @cached_property
    def frames(self) -> set[str]:
        return {f"{stem}/{n}.png" for stem, frames in self.pictures.items() for n in range(1, frames + 1)}

    def settled(self) -> Differences:
        """Everything, when nothing is under way any more."""
        found = Differences()
        self._inputs(found)
        tables = self._tables()
        objects = self._images(found, tables)
        self._rows(found, tables, objects)
        self._outputs(found)
        balance = self.home.rows(
            "select files_difference, images_difference, files_waiting, images_waiting from balance"
        )[0]
        found.wrong += [f"balance {name} {value}" for name, value in balance.items() if value]
        return found

    def at_any_moment(self, accepted: Iterable[InputFile]) -> Differences:
        """What holds while work is under way: nothing lost, nothing over, no object without a row."""
        found = Differences()
        # In the order of a move, so that what moves meanwhile is seen at one of its ends.
        taken = list(accepted)
        there: set[tuple[str, str]] = set()
        for bucket, prefix in (("raw", "incoming/"), ("raw", "nas/"), *((bucket, "") for bucket in _PLACES)):
            there |= {(_place(bucket, each), each.version.etag) for each in self._listed(bucket, prefix)}
        found.lost += [f.place for f in taken if (f.place, _md5(f.body)) not in there]
        images = {
            bucket: [o.version.location.key for o in self._listed(bucket)] for bucket in self._buckets()
        }
        found.overfull += [name for name, keys in images.items() if len(keys) > self.limit]
        rows = {row["key"] for row in self.home.rows(_QUERIES["allocated"])}
        found.wrong += [
            f"object without a row: {key}" for keys in images.values() for key in keys if key not in rows
        ]
        found.leaked += [key for keys in images.values() for key in keys if key not in self.frames]
        balance = self.home.rows("select files_difference, images_difference from balance")[0]
        found.wrong += [f"balance {name} {value}" for name, value in balance.items() if value]
        return found

    def _inputs(self, found: Differences) -> None:
        """Each input exactly once, in its right place, with its own bytes."""
        places: dict[str, list[str]] = defaultdict(list)
        for bucket in _PLACES:
            for each in self._listed(bucket):
                key = each.version.location.key
                top = "quarantine" if bucket == "quarantine" else key.partition("/")[0]
                top = "processed" if top == "nas" else top  # where it stays; its rows tell whether it was
                places[f"{_place(bucket, each)} {each.version.etag}"].append(top)
        rivals: dict[int, list[str]] = defaultdict(list)
        contested = {f.instance for f in self.inputs if f.kind is Kind.RIVAL}
        for f in self.inputs:
            tops = places.pop(f"{f.place} {_md5(f.body)}", [])
            if not tops:
                found.lost.append(f"{f.kind} {f.place}")
            elif len(tops) > 1:
                found.doubled.append(f"{f.kind} {f.place} in {tops}")
            elif f.instance in contested and f.kind in PICTURES:
                rivals[f.instance].append(tops[0])
            elif tops != [_right_place(f.kind)]:
                found.wrong.append(f"{f.kind} {f.place} in {tops[0]}")
        for instance, tops in rivals.items():
            if sorted(tops) != ["processed", "quarantine"]:
                found.wrong.append(f"rivals {instance} in {tops}")
        found.wrong += [f"never put: {place} in {tops}" for place, tops in places.items()]

    def _images(self, found: Differences, tables: dict[str, list[tuple]]) -> dict[str, str]:
        """Each frame's picture exactly once, where its row says; returns digests by key."""
        objects: dict[str, list[str]] = defaultdict(list)
        digests: dict[str, str] = {}
        for bucket in [*self._buckets(), "suboptimal"]:
            listed = list(self._listed(bucket))
            if bucket != "suboptimal" and len(listed) > self.limit:
                found.overfull.append(f"{bucket}: {len(listed)}")
            for each in listed:
                key = each.version.location.key
                objects[key].append(bucket)
                digests[key] = hashlib.sha256(self.home.store.read(each.version)).hexdigest()
        said = dict(tables["allocated"])
        found.lost += [f"image {key}" for key in self.frames if key not in objects]
        found.doubled += [f"image {key} in {buckets}" for key, buckets in objects.items() if len(buckets) > 1]
        found.leaked += [f"image {key}" for key in objects if key not in self.frames]
        found.wrong += [
            f"image {key} in {buckets[0]}, its row says {said.get(key)}"
            for key, buckets in objects.items()
            if [said.get(key)] != buckets
        ]
        return digests

    def _rows(self, found: Differences, tables: dict[str, list[tuple]], digests: dict[str, str]) -> None:
        """One verdict and one row a frame; the rows of instances, studies and labels."""
        for name in ("allocated", "verdicts", "images"):
            keys = Counter(row[0] for row in tables[name])
            found.lost += [f"{name}: {key}" for key in self.frames - set(keys)]
            found.doubled += [f"{name}: {key}" for key, number in keys.items() if number > 1]
            found.wrong += [f"{name}: {key} unheard of" for key in set(keys) - self.frames]
        images = dict(tables["images"])
        found.wrong += [f"digest of {key}" for key, digest in digests.items() if images.get(key) != digest]
        said = dict(tables["allocated"])
        for key, verdict in tables["verdicts"]:
            if (verdict == "good") == (said.get(key) == "suboptimal"):
                found.wrong.append(f"{verdict} image {key} in {said.get(key)}")
        black = {f.stem(self.pseudonyms) + "/1.png" for f in self.inputs if f.kind is Kind.BLACK}
        found.wrong += [f"{v} black {k}" for k, v in tables["verdicts"] if (k in black) != (v == "black")]
        uids = {stem.split("/")[3] for stem in self.pictures}
        for name in ("instances", "extracted"):
            self._same(found, name, uids, [row[0] for row in tables[name]])
        self._same(
            found, "studies", {s.split("/")[1] for s in self.pictures}, [r[0] for r in tables["studies"]]
        )
        self._same(found, "labels", set(self.labels), [row[0] for row in tables["labelled"]])
        found.wrong += [f"label of {image} held" for image, is_held in tables["labelled"] if is_held]

    def _outputs(self, found: Differences) -> None:
        """One de-identified file and one metadata document an instance, and nothing else."""
        stems = set(self.pictures)
        for bucket, make in (
            ("deidentified", "{}.dcm"),
            ("metadata", "{}.json"),
        ):
            expected = {make.format(stem) for stem in stems}
            self._same(found, bucket, expected, [o.version.location.key for o in self._listed(bucket)])

    def _same(self, found: Differences, name: str, expected: set[str], actual: Sequence[str]) -> None:
        found.lost += [f"{name}: {each}" for each in expected - set(actual)]
        found.doubled += [f"{name}: {each}" for each, n in Counter(actual).items() if n > 1]
        found.leaked += [f"{name}: {each}" for each in set(actual) - expected]

    def _tables(self) -> dict[str, list[tuple]]:
        with psycopg.connect(self.home.endpoints["database_url"], connect_timeout=10) as connection:
            connection.execute("set transaction isolation level repeatable read, read only")
            return {name: connection.execute(query).fetchall() for name, query in _QUERIES.items()}

    def _buckets(self) -> list[str]:
        names = [found.name for found in self.home.store.client.list_buckets()]
        return [name for name in names if name.startswith(IMAGES)]

    def _listed(self, bucket: str, prefix: str = "") -> Iterator[ListedObject]:
        return self.home.store.list_prefix(bucket, prefix)


def _right_place(kind: Kind) -> str:
    if kind in {Kind.TRUNCATED, Kind.NO_DICOM}:
        return "quarantine"
    return "held" if kind is Kind.BURNED_IN else "processed"


def _place(bucket: str, listed: ListedObject) -> str:
    """A raw object's place, without where it stands by now."""
    key = listed.version.location.key
    if bucket == "quarantine":
        key = key.removeprefix("raw/")
    for top in ("incoming/", "processed/", "held/", "nas/"):
        key = key.removeprefix(top)
    return key


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
