"""Labels leave in an export only if a vocabulary has them, or a person allows any."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from common.database import Database
from common.errors import PermanentError
from common.store.object_key import TRAINING_SETS
from infra.training_sets.export import Export
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.set_rows import SetImage, add_images
from training_set.selection.allowed_labels import ANY_LABEL, AllowedLabels
from training_set.selection.statement import WITHOUT
from training_set.versions.freeze import FrozenVersion

NONE: dict[str, Any] = dict.fromkeys(
    [
        *("where", "labels", "all_labels", "label_sets", "no_label_sets", "rule", "uncertain"),
        *("shares", "split_by", "fixed_test", "folds", "seed"),
    ]
)
MARKER = "Doe Jane"


@pytest.fixture
def connection(database: Database, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to empty tables with images of six patients; one of them has two labels."""
    assert database
    with psycopg.connect(database_url) as connection:
        images = [SetImage(patient) for patient in range(1, 6)]
        add_images(connection, [*images, SetImage(6, labels={"Effusion": 1.0, MARKER: 1.0})])
        connection.commit()
        yield connection


@pytest.fixture
def store() -> InMemoryObjectStore:
    """A store with the bucket of frozen versions."""
    store = InMemoryObjectStore()
    store.ensure_bucket(TRAINING_SETS)
    return store


def export(
    connection: psycopg.Connection[Any],
    store: InMemoryObjectStore,
    allowed: AllowedLabels,
    number: int | None = None,
    **selection: object,
) -> FrozenVersion:
    """Freeze a version, or find one by its number."""
    made = Export(connection, store, "chest", lambda _: None, allowed)
    return made.version(number, NONE | {WITHOUT: "a test"} | selection)


def test_labels_need_a_vocabulary_or_the_option(
    connection: psycopg.Connection[Any], store: InMemoryObjectStore
) -> None:
    """Without a vocabulary nothing is frozen, and the cause names both ways out, but no label."""
    with pytest.raises(PermanentError) as caught:
        export(connection, store, AllowedLabels(frozenset()))
    assert "DCM2SET_LABEL_VOCABULARY" in str(caught.value)
    assert "--any-label" in str(caught.value)
    assert MARKER not in str(caught.value)
    assert [] == store.keys(TRAINING_SETS)
    version = export(connection, store, ANY_LABEL)
    assert {"Effusion", MARKER} == set(version.frozen.labels)
    with pytest.raises(PermanentError, match="--any-label"):
        export(connection, store, AllowedLabels(frozenset()), version.number)


def test_only_labels_of_the_vocabulary_leave(
    connection: psycopg.Connection[Any], store: InMemoryObjectStore
) -> None:
    """With a vocabulary its labels leave; another label is refused, also in a frozen version."""
    vocabulary = AllowedLabels(frozenset({"Effusion", "Nodule"}))
    with pytest.raises(PermanentError, match="1 of the labels are not in the vocabulary") as caught:
        export(connection, store, vocabulary)
    assert MARKER not in str(caught.value)
    version = export(connection, store, vocabulary, labels=("Effusion",))
    assert ("Effusion",) == tuple(version.frozen.labels)
    assert not any(MARKER.encode() in body for body in version.files.values())
    assert version.number == export(connection, store, vocabulary, version.number).number


def test_a_set_without_labels_needs_no_vocabulary(
    connection: psycopg.Connection[Any], store: InMemoryObjectStore
) -> None:
    """Images without labels can be exported."""
    version = export(connection, store, AllowedLabels(frozenset()), where="labels = 0")
    assert () == tuple(version.frozen.labels)
