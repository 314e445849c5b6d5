"""A patient's lines and tasks out of delivered label files; the others keep their numbers."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from typing import IO

from common.errors import ObjectMissingError, PermanentError
from common.labels.json_elements import array_elements, whole_element
from common.labels.label_text import decoded, lines
from common.store.object_key import ANNOTATIONS, HELD, PROCESSED, QUARANTINE
from common.store.object_store import ObjectStore, ObjectVersion

_PLACES = ((ANNOTATIONS, PROCESSED), (ANNOTATIONS, HELD), (QUARANTINE, f"{ANNOTATIONS}/"))
_NAME = re.compile(r"P[0-9a-f]{20}|[0-9]+(?:\.[0-9]+)+")
_NOTHING = '{"annotations": []}'  # a task that says nothing
_HEAD = 1024 * 1024

Concerns = Callable[[int, str], bool]  # a line's or task's number and text


def emptied_label_files(
    store: ObjectStore, names: set[str], known: Mapping[str, set[int]]
) -> Iterator[ObjectVersion]:
    """Empty what tells any of the names, or is a known line, in each file that is done with.

    Files are read and written as streams, through a file on disk.
    """
    for bucket, prefix in _PLACES:
        for listed in store.list_prefix(bucket, prefix):
            key = listed.version.location.key
            numbers = known.get(key, set()) if bucket == ANNOTATIONS else set()
            if bucket == QUARANTINE or not key.endswith(".report.json"):  # of what was imported
                with suppress(ObjectMissingError, PermanentError):  # gone meanwhile, or no text
                    written = _emptied(store, listed.version, names, numbers)
                    if written is not None:
                        yield written


def _emptied(
    store: ObjectStore, version: ObjectVersion, names: set[str], numbers: set[int]
) -> ObjectVersion | None:
    """The file without them; None if there was nothing to empty."""

    def concerns(number: int, text: str) -> bool:
        return number in numbers or not names.isdisjoint(_NAME.findall(text))

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="replace", newline="") as file:
        with closing(store.stream(version)) as chunks:
            if not _rewritten(decoded(chunks), concerns, file):
                return None
        file.flush()
        return store.put(version.location, Path(file.name), content_type="application/octet-stream")


def _rewritten(texts: Iterator[str], concerns: Concerns, file: IO[str]) -> int:
    """Write a file anew; returns how much of it was emptied."""
    head = ""
    for text in texts:
        head += text
        if len(head) > _HEAD:
            break
    whole = chain([head], texts)
    begun = head.lstrip()
    if begun.startswith("["):
        return _array(whole, concerns, file)
    if begun.startswith("{") and not _is_json(begun.partition("\n")[0]):
        return _object(whole, concerns, file)
    return _lines(whole, concerns, file)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(texts: Iterator[str], concerns: Concerns, file: IO[str]) -> int:
    emptied = 0
    for number, line in enumerate(lines(texts), start=1):
        # What was too long to be read was never taken, and can't be looked through.
        is_theirs = concerns(number, line) or line.startswith("\x00")
        emptied += is_theirs and not line.startswith("\x00")
        file.write("\n" if is_theirs else line)
    return emptied


def _array(texts: Iterator[str], concerns: Concerns, file: IO[str]) -> int:
    emptied, before = 0, "["
    for number, element in array_elements(texts):
        text = json.dumps(element, ensure_ascii=False)
        is_theirs = text != _NOTHING and concerns(number, text)
        emptied += is_theirs
        file.write(f"{before}{_NOTHING if is_theirs else text}")
        before = ",\n"
    file.write("[]" if before == "[" else "]\n")
    return emptied


def _object(texts: Iterator[str], concerns: Concerns, file: IO[str]) -> int:
    ((number, element),) = whole_element(texts)
    if element == json.loads(_NOTHING) or not concerns(number, json.dumps(element)):
        return 0
    file.write(_NOTHING)
    return 1
