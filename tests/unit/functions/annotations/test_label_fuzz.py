"""Randomly corrupted example files of docs/labels/ give rows, refused rows or a cause.

400 files by default; DCM2SET_FUZZ_CASES sets another number (`make fuzz`).
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from common.errors import PermanentError
from functions.annotations.formats.label_file import read_label_file
from functions.annotations.formats.vocabulary import Vocabulary, read_vocabulary
from functions.annotations.storage.copy_rows import CopyRows
from tests.support.label_files import pieces
from tests.support.repository import ROOT
from tests.support.uids import uid

CASES = int(os.environ.get("DCM2SET_FUZZ_CASES", "400")) // 2
FOLDER = ROOT / "docs" / "labels"
VOCABULARIES = [Vocabulary(), read_vocabulary(FOLDER / "vocabulary.toml")]
TABLES = [path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in {".csv", ".jsonl"}]
TREES = [json.loads(path.read_bytes()) for path in sorted(FOLDER.glob("*.json"))]
BYTES = [
    *(b'"', b",", b";", b"\n", b"\r", b"\0", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"[", b"]", b"{", b"}"),
    *(b"..", b"://", b"fileuri=", b"%2e%2e/", b"sep=", b"study", b"1e999", b"null", b"\\ud800", b"=cmd|"),
]
VALUES = [
    *(None, True, 0, -1, 1.5, 10**30, "", "x", "\ud800", [], {}, [[]], [None], {"a": 1}, "a" * 3000),
    *(uid(1), "2026-01-01T00:00:00+23:59"),
]
Random = np.random.Generator


def _convert(body: bytes, vocabulary: Vocabulary) -> None:
    """Convert a file to the text for COPY; PermanentError is accepted, too."""
    with suppress(PermanentError):
        rows = CopyRows()
        for batch in rows.batches(read_label_file(pieces(body, 77), vocabulary).rows, lambda: None):
            batch.encode()
        for name in [*rows.labels.names, *rows.annotators.names, *rows.controls.names]:
            name.encode()


def _corrupted_bytes(body: bytes, random: Random) -> bytes:
    data = bytearray(body)
    for _ in range(random.integers(1, 7)):
        index, length = int(random.integers(0, len(data) + 1)), int(random.integers(0, 20))
        data[index : index + length * int(random.integers(0, 2))] = BYTES[random.integers(0, len(BYTES))]
    return bytes(data)


def _positions(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every value in a tree, given by its container and its key."""
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from _positions(tree[key])


def _corrupted_tree(tree: Any, random: Random) -> bytes:
    corrupted = [json.loads(json.dumps(tree))]
    for _ in range(random.integers(1, 3)):
        positions = list(_positions(corrupted))
        holder, key = positions[random.integers(0, len(positions))]
        value = VALUES[random.integers(0, len(VALUES))]
        holder[key] = json.loads(json.dumps(value))
    return json.dumps(corrupted[0], indent=random.choice([None, 1])).encode()


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_corrupted_tables(vocabulary: Vocabulary) -> None:
    """Tables with inserted, deleted and changed bytes."""
    random = np.random.default_rng(1)
    for case in range(CASES // 2):
        _convert(_corrupted_bytes(TABLES[case % len(TABLES)], random), vocabulary)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_corrupted_tasks(vocabulary: Vocabulary) -> None:
    """Label Studio files with values of any type at any position."""
    random = np.random.default_rng(2)
    for case in range(CASES // 2):
        _convert(_corrupted_tree(TREES[case % len(TREES)], random), vocabulary)
