"""The example files of docs/labels/ spoiled at random: rows, refused rows or a cause, and nothing else.

400 files by default; DCM2SET_FUZZ_CASES asks for more (`make fuzz`).
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import PermanentError
from functions.annotations.formats.label_file import read_label_file
from functions.annotations.formats.vocabulary import Vocabulary, read_vocabulary
from functions.annotations.storage.copy_rows import CopyRows
from tests.support.label_files import pieces

CASES = int(os.environ.get("DCM2SET_FUZZ_CASES", "400")) // 2
FOLDER = Path(__file__).resolve().parents[4] / "docs" / "labels"
VOCABULARIES = [Vocabulary(), read_vocabulary(FOLDER / "vocabulary.toml")]
TABLES = [path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in {".csv", ".jsonl"}]
TREES = [json.loads(path.read_bytes()) for path in sorted(FOLDER.glob("*.json"))]
BYTES = [
    *(b'"', b",", b";", b"\n", b"\r", b"\0", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"[", b"]", b"{", b"}"),
    *(b"..", b"://", b"fileuri=", b"%2e%2e/", b"sep=", b"study", b"1e999", b"null", b"\\ud800", b"=cmd|"),
]
VALUES = [
    *(None, True, 0, -1, 1.5, 10**30, "", "x", "\ud800", [], {}, [[]], [None], {"a": 1}, "a" * 3000),
    *("2.25.1", "2026-01-01T00:00:00+23:59"),
]
Random = np.random.Generator


def _copied(body: bytes, vocabulary: Vocabulary) -> None:
    """Read a file up to the text that Postgres is given; PermanentError is an answer too."""
    with suppress(PermanentError):
        told = CopyRows()
        for batch in told.batches(read_label_file(pieces(body, 77), vocabulary).rows, lambda: None):
            batch.encode()
        for name in [*told.labels.names, *told.annotators.names, *told.controls.names]:
            name.encode()


def _spoiled_bytes(body: bytes, random: Random) -> bytes:
    data = bytearray(body)
    for _ in range(random.integers(1, 7)):
        place, length = int(random.integers(0, len(data) + 1)), int(random.integers(0, 20))
        data[place : place + length * int(random.integers(0, 2))] = BYTES[random.integers(0, len(BYTES))]
    return bytes(data)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every value in a tree, as what holds it and its key there."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from _places(tree[key])


def _spoiled_tree(tree: Any, random: Random) -> bytes:
    spoiled = [json.loads(json.dumps(tree))]
    for _ in range(random.integers(1, 3)):
        places = list(_places(spoiled))
        holder, key = places[random.integers(0, len(places))]
        value = VALUES[random.integers(0, len(VALUES))]
        holder[key] = json.loads(json.dumps(value))
    return json.dumps(spoiled[0], indent=random.choice([None, 1])).encode()


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_spoiled_tables(vocabulary: Vocabulary) -> None:
    """Bytes put in, taken out and changed."""
    random = np.random.default_rng(1)
    for case in range(CASES // 2):
        _copied(_spoiled_bytes(TABLES[case % len(TABLES)], random), vocabulary)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_spoiled_tasks(vocabulary: Vocabulary) -> None:
    """Values of any type anywhere in a Label Studio file."""
    random = np.random.default_rng(2)
    for case in range(CASES // 2):
        _copied(_spoiled_tree(TREES[case % len(TREES)], random), vocabulary)
