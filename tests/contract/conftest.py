"""Each port twice: in memory, and the real thing on the servers of a running home."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from common.database import Database
from common.store.minio_store import MinioStore
from common.store.object_store import ObjectStore
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.own_database import own_database

KINDS = ("memory", "real")


@pytest.fixture(scope="session")
def minio(endpoints: dict[str, Any]) -> MinioStore:
    """The operator's client of the running MinIO."""
    return MinioStore(**endpoints["minio"])


@pytest.fixture(scope="session")
def database_url(endpoints: dict[str, Any]) -> Iterator[str]:
    """A database of the tests' own on the running server, of this version's schema."""
    with own_database(endpoints["database_url"]) as url:
        yield url


@pytest.fixture(scope="module")
def pool(database_url: str) -> Iterator[Database]:
    """One pool for a file of tests: between two, others may have killed the server."""
    pool = Database(database_url, connections=16, timeout=20)
    yield pool
    pool.close()


@pytest.fixture
def database(pool: Database) -> Database:
    """The pool, on empty tables."""
    with pool.transaction() as cursor:
        names = cursor.execute(
            "select string_agg(format('%I', tablename), ', ') as names from pg_tables "
            "where schemaname = 'public' and tablename <> 'schema_migration'"
        ).fetchone()
        assert names is not None
        cursor.execute(f"truncate {names['names']} restart identity cascade")
    return pool


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest) -> ObjectStore:
    """An object store."""
    return InMemoryObjectStore() if request.param == "memory" else request.getfixturevalue("minio")


@pytest.fixture
def bucket(store: ObjectStore) -> Iterator[str]:
    """A bucket of the test's own, which no function is told of."""
    name = f"contract-{secrets.token_hex(6)}"
    store.ensure_bucket(name)
    yield name
    if isinstance(store, MinioStore):
        remove_bucket(store, name)


def remove_bucket(store: MinioStore, name: str) -> None:
    """A bucket and all that lies in it."""
    for found in store.client.list_objects(name, recursive=True):
        store.client.remove_object(name, str(found.object_name))
    store.client.remove_bucket(name)
