"""Compares what the buckets and tables must contain, known from the files put in, with what they contain.

The oracle lists objects and reads tables; of the ledger it uses only the balance.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import psycopg

from common.store.object_store import ListedObject
from deidentification.pseudonym import Pseudonyms
from model.verdict import STAYING
from tests.faults.input_files import PICTURES, InputFile, Kind
from tests.support.local_home import RunningHome

IMAGES = "images-"
_INPUT_BUCKETS = ("raw", "quarantine")
_QUERIES = {
    "allocated": "select key, bucket from image_allocation",
    "verdicts": "select a.key, v.verdict from verdict v "
    "join image_allocation a using (sop_instance_uid, frame)",
    "images": "select a.key, i.sha256 from image i join image_allocation a using (sop_instance_uid, frame)",
    "instances": "select sop_instance_uid from instance",
    "studies": "select study_instance_uid from study",
    "extracted": "select sop_instance_uid from extraction where completed_at is not null",
    "labelled": "select a.key, false as held from label join image_allocation a using (image_id) "
    "union all select coalesce(path, concat_ws('/', sop_instance_uid, frame)), true from held_label",
}
Tables = dict[str, list[tuple[Any, ...]]]


@dataclass
class Differences:
    """What is not as it must be, by kind."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # in another state than the right one
    overfull: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)

    @property
    def number(self) -> int:
        return sum(map(len, vars(self).values()))

    def __str__(self) -> str:
        return "; ".join(f"{name}: {len(found)} {found[:6]}" for name, found in vars(self).items() if found)


@dataclass(frozen=True)
class Oracle:
    """Knows what was put in, and reads the buckets and tables itself."""

    home: RunningHome
    inputs: Sequence[InputFile]
    pseudonyms: Pseudonyms
    limit: int  # images in a bucket
    labels: Sequence[str] = ()  # keys of the images that label files name

    @cached_property
    def pictures(self) -> dict[str, int]:
        """The number of frames of each instance, by the stem of its keys."""
        return {f.stem(self.pseudonyms): f.frames for f in self.inputs if f.kind in PICTURES}

    @cached_property
    def frames(self) -> set[str]:
        """The keys that all images must have."""
        return {f"{stem}/{n}.png" for stem, frames in self.pictures.items() for n in range(1, frames + 1)}

    def settled(self) -> Differences:
        """Compare everything, once no item is unsettled."""
        found = Differences()
        self._compare_inputs(found)
        tables = self._tables()
        digests = self._compare_images(found, tables)
        self._compare_rows(found, tables, digests)
        self._compare_verdicts(found, tables)
        self._compare_outputs(found)
        self._compare_balance(found, "files_difference, images_difference, files_waiting, images_waiting")
        self._compare_temporary_folder(found)
        return found

    def at_any_moment(self, accepted: Iterable[InputFile]) -> Differences:
        """Compare what must hold during work: no file lost, no bucket overfull, no object without a row."""
        found = Differences()
        taken = list(accepted)
        # In the order in which objects move, so that an object that moves meanwhile is seen at least once.
        present: set[tuple[str, str]] = set()
        for bucket, prefix in (
            ("raw", "incoming/"),
            ("raw", "nas/"),
            *((bucket, "") for bucket in _INPUT_BUCKETS),
        ):
            present |= {
                (_relative_key(bucket, each), each.version.etag) for each in self._listed(bucket, prefix)
            }
        found.lost += [f.relative_key for f in taken if (f.relative_key, _md5(f.body)) not in present]
        images = {
            bucket: [o.version.location.key for o in self._listed(bucket)] for bucket in self._image_buckets()
        }
        found.overfull += [name for name, keys in images.items() if len(keys) > self.limit]
        rows = {row["key"] for row in self.home.rows(_QUERIES["allocated"])}
        found.wrong += [
            f"object without a row: {key}" for keys in images.values() for key in keys if key not in rows
        ]
        found.leaked += [key for keys in images.values() for key in keys if key not in self.frames]
        self._compare_balance(found, "files_difference, images_difference")
        return found

    def _compare_inputs(self, found: Differences) -> None:
        """Compare the inputs: each once, in its right folder, with its own bytes."""
        folders: dict[str, list[str]] = defaultdict(list)
        for bucket in _INPUT_BUCKETS:
            for each in self._listed(bucket):
                folders[f"{_relative_key(bucket, each)} {each.version.etag}"].append(_folder(bucket, each))
        rivals: dict[int, list[str]] = defaultdict(list)
        with_rival = {f.instance for f in self.inputs if f.kind is Kind.RIVAL}
        for f in self.inputs:
            seen = folders.pop(f"{f.relative_key} {_md5(f.body)}", [])
            if not seen:
                found.lost.append(f"{f.kind} {f.relative_key}")
            elif len(seen) > 1:
                found.doubled.append(f"{f.kind} {f.relative_key} in {seen}")
            elif f.instance in with_rival and f.kind in PICTURES:
                rivals[f.instance].append(seen[0])
            elif seen != [_right_folder(f.kind)]:
                found.wrong.append(f"{f.kind} {f.relative_key} in {seen[0]}")
        for instance, seen in rivals.items():
            if sorted(seen) != ["processed", "quarantine"]:
                found.wrong.append(f"rivals {instance} in {seen}")
        found.wrong += [f"never put in: {key} in {seen}" for key, seen in folders.items()]

    def _compare_images(self, found: Differences, tables: Tables) -> dict[str, str]:
        """Compare the images: each frame's once, in the bucket of its row; returns SHA-256 by key."""
        buckets_of: dict[str, list[str]] = defaultdict(list)
        digests: dict[str, str] = {}
        for bucket in [*self._image_buckets(), "suboptimal"]:
            listed = list(self._listed(bucket))
            if bucket != "suboptimal" and len(listed) > self.limit:
                found.overfull.append(f"{bucket}: {len(listed)}")
            for each in listed:
                key = each.version.location.key
                buckets_of[key].append(bucket)
                digests[key] = hashlib.sha256(self.home.store.read(each.version)).hexdigest()
        in_row = dict(tables["allocated"])
        found.lost += [f"image {key}" for key in self.frames if key not in buckets_of]
        found.doubled += [f"image {key} in {names}" for key, names in buckets_of.items() if len(names) > 1]
        found.leaked += [f"image {key}" for key in buckets_of if key not in self.frames]
        found.wrong += [
            f"image {key} in {names[0]}, in its row {in_row.get(key)}"
            for key, names in buckets_of.items()
            if [in_row.get(key)] != names
        ]
        return digests

    def _compare_rows(self, found: Differences, tables: Tables, digests: dict[str, str]) -> None:
        """Compare the rows: one of each frame, instance, study and label."""
        for name in ("allocated", "verdicts", "images"):
            keys = Counter(row[0] for row in tables[name])
            found.lost += [f"{name}: {key}" for key in self.frames - set(keys)]
            found.doubled += [f"{name}: {key}" for key, number in keys.items() if number > 1]
            found.wrong += [f"{name}: {key} is unknown" for key in set(keys) - self.frames]
        images = dict(tables["images"])
        found.wrong += [f"digest of {key}" for key, digest in digests.items() if images.get(key) != digest]
        uids = {stem.split("/")[3] for stem in self.pictures}
        for name in ("instances", "extracted"):
            self._compare_names(found, name, uids, [row[0] for row in tables[name]])
        studies = {stem.split("/")[1] for stem in self.pictures}
        self._compare_names(found, "studies", studies, [row[0] for row in tables["studies"]])
        self._compare_names(found, "labels", set(self.labels), [row[0] for row in tables["labelled"]])
        found.wrong += [f"label of {image} held" for image, is_held in tables["labelled"] if is_held]

    def _compare_verdicts(self, found: Differences, tables: Tables) -> None:
        """Compare the verdicts: only black and bad images are in suboptimal, and black is black."""
        in_row = dict(tables["allocated"])
        for key, verdict in tables["verdicts"]:
            if (verdict in STAYING) == (in_row.get(key) == "suboptimal"):
                found.wrong.append(f"{verdict} image {key} in {in_row.get(key)}")
        black = {f.stem(self.pseudonyms) + "/1.png" for f in self.inputs if f.kind is Kind.BLACK}
        found.wrong += [f"{v} black {k}" for k, v in tables["verdicts"] if (k in black) != (v == "black")]

    def _compare_outputs(self, found: Differences) -> None:
        """Compare the other outputs: each instance's de-identified file and document, and nothing else."""
        for bucket, suffix in (("deidentified", ".dcm"), ("metadata", ".json")):
            expected = {f"{stem}{suffix}" for stem in self.pictures}
            actual = [o.version.location.key for o in self._listed(bucket)]
            self._compare_names(found, bucket, expected, actual)

    def _compare_temporary_folder(self, found: Differences) -> None:
        """Processes that were killed have left originals, which must be gone."""
        found.leaked += [f"temporary {path.name}" for path in self.home.originals_in_work()]

    def _compare_balance(self, found: Differences, columns: str) -> None:
        (balance,) = self.home.rows(f"select {columns} from balance")
        found.wrong += [f"balance {name} {value}" for name, value in balance.items() if value]

    def _compare_names(
        self, found: Differences, name: str, expected: set[str], actual: Sequence[str]
    ) -> None:
        found.lost += [f"{name}: {each}" for each in expected - set(actual)]
        found.doubled += [f"{name}: {each}" for each, n in Counter(actual).items() if n > 1]
        found.leaked += [f"{name}: {each}" for each in set(actual) - expected]

    def _tables(self) -> Tables:
        with psycopg.connect(self.home.endpoints["database_url"], connect_timeout=10) as connection:
            connection.execute("set transaction isolation level repeatable read, read only")
            return {name: connection.execute(query).fetchall() for name, query in _QUERIES.items()}

    def _image_buckets(self) -> list[str]:
        names = [found.name for found in self.home.store.client.list_buckets()]
        return [name for name in names if name.startswith(IMAGES)]

    def _listed(self, bucket: str, prefix: str = "") -> Iterator[ListedObject]:
        return self.home.store.list_prefix(bucket, prefix)


def _right_folder(kind: Kind) -> str:
    if kind in {Kind.TRUNCATED, Kind.NO_DICOM}:
        return "quarantine"
    return "held" if kind is Kind.BURNED_IN else "processed"


def _folder(bucket: str, listed: ListedObject) -> str:
    """The top folder of an input; "quarantine" for the bucket of that name."""
    if bucket == "quarantine":
        return bucket
    top = listed.version.location.key.partition("/")[0]
    # Processed files of the NAS stay in nas/; the tables show whether they were extracted.
    return "processed" if top == "nas" else top


def _relative_key(bucket: str, listed: ListedObject) -> str:
    """The key of an input without the folders that tell its state."""
    key = listed.version.location.key
    if bucket == "quarantine":
        key = key.removeprefix("raw/")
    for top in ("incoming/", "processed/", "held/", "nas/"):
        key = key.removeprefix(top)
    return key


def _md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
