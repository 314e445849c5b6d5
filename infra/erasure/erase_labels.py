"""Emptying a patient's lines and tasks in label files; all other lines and tasks keep their numbers."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from typing import IO

from common.errors import ObjectMissingError, PermanentError
from common.labels.json_elements import array_elements, single_element
from common.labels.label_text import decoded, lines
from common.process.work_folder import work_folder
from common.store.object_key import ANNOTATIONS, HELD, PROCESSED, QUARANTINE
from common.store.object_store import ObjectStore, ObjectVersion

_FOLDERS = ((ANNOTATIONS, PROCESSED), (ANNOTATIONS, HELD), (QUARANTINE, f"{ANNOTATIONS}/"))
NAME = re.compile(r"P[0-9a-f]{20}|[0-9]+(?:\.[0-9]+)+")
_EMPTY_TASK = '{"annotations": []}'
_HEAD_CHARACTERS = 1024 * 1024  # from which the format of a file is recognised

IsPatients = Callable[[str], bool]  # takes the text of a line or task


def empty_label_files(
    store: ObjectStore, names: set[str], known: Mapping[str, set[int]]
) -> Iterator[ObjectVersion]:
    """Empty the lines and tasks of a patient in every settled label file; yields each changed file.

    Files are read and written as streams, through a temporary file.

    Parameters
    ----------
    names
        Pseudonym and UIDs of the patient; a line or task that contains one is emptied.
    known
        Numbers of lines of the imported files, by the key of the copy; its rows of these lines are emptied.
    """
    for bucket, prefix in _FOLDERS:
        for listed in store.list_prefix(bucket, prefix):
            key = listed.version.location.key
            numbers = known.get(key, set()) if bucket == ANNOTATIONS else set[int]()
            if bucket == QUARANTINE or not key.endswith(".report.json"):  # a report names nobody
                with suppress(ObjectMissingError, PermanentError):  # deleted meanwhile, or not a text file
                    written = _empty_file(store, listed.version, names, numbers)
                    if written is not None:
                        yield written


def _empty_file(
    store: ObjectStore, version: ObjectVersion, names: set[str], numbers: set[int]
) -> ObjectVersion | None:
    """Write one file again with emptied lines or tasks; None if there was nothing to empty.

    `numbers` are lines of the imported file, which are in the first cell of each row of its copy.
    """
    first_cells = set(map(str, numbers))

    def is_patients(text: str) -> bool:
        return text.partition(",")[0] in first_cells or not names.isdisjoint(NAME.findall(text))

    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", errors="replace", newline="", dir=work_folder()
    ) as file:
        with closing(store.stream(version)) as chunks:
            if not _rewrite(decoded(chunks), is_patients, file):
                return None
        file.flush()
        return store.put(version.location, Path(file.name), content_type="application/octet-stream")


def _rewrite(texts: Iterator[str], is_patients: IsPatients, file: IO[str]) -> int:
    """Write a file again; returns how many lines or tasks were emptied."""
    head = ""
    for text in texts:
        head += text
        if len(head) > _HEAD_CHARACTERS:
            break
    complete = chain([head], texts)
    start = head.lstrip()
    if start.startswith("["):
        return _rewrite_array(complete, is_patients, file)
    if start.startswith("{") and not _is_json(start.partition("\n")[0]):
        return _rewrite_object(complete, is_patients, file)
    return _rewrite_lines(complete, is_patients, file)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _rewrite_lines(texts: Iterator[str], is_patients: IsPatients, file: IO[str]) -> int:
    emptied = 0
    for line in lines(texts):
        # A line that was too long to be read was never imported, and can't be searched.
        is_emptied = is_patients(line) or line.startswith("\x00")
        emptied += is_emptied and not line.startswith("\x00")
        file.write("\n" if is_emptied else line)
    return emptied


def _rewrite_array(texts: Iterator[str], is_patients: IsPatients, file: IO[str]) -> int:
    emptied, before = 0, "["
    for _, element in array_elements(texts):
        text = json.dumps(element, ensure_ascii=False)
        is_emptied = text != _EMPTY_TASK and is_patients(text)
        emptied += is_emptied
        file.write(f"{before}{_EMPTY_TASK if is_emptied else text}")
        before = ",\n"
    file.write("[]" if before == "[" else "]\n")
    return emptied


def _rewrite_object(texts: Iterator[str], is_patients: IsPatients, file: IO[str]) -> int:
    ((_, element),) = single_element(texts)
    if element == json.loads(_EMPTY_TASK) or not is_patients(json.dumps(element)):
        return 0
    file.write(_EMPTY_TASK)
    return 1
