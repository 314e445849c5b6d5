"""Each port in two implementations: in memory, and the real one on the servers of a running home."""

import os
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from common.database import Database
from common.ledger.ledger import Ledger
from common.store.minio_store import MinioStore
from common.store.object_store import ObjectStore
from tests.contract.label_imports import LabelFiles
from tests.contract.ledgers import Ledgers, make_ledgers
from tests.contract.sources import Sources
from tests.contract.tables import Tables
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.own_bucket import remove_bucket
from tests.support.own_database import own_database
from tests.support.own_versitygw import own_versitygw
from tests.support.page_bench import PageBench

if TYPE_CHECKING:
    from tests.support.oidc_provider import OidcProvider


@pytest.fixture(scope="session")
def minio(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioStore]:
    """The operator's client of the running MinIO, or of the store that `make stores` tests."""
    if os.environ.get("TEST_STORE") == "versitygw":
        with own_versitygw(tmp_path_factory.mktemp("versitygw")) as store:
            yield store
    else:
        yield MinioStore(**request.getfixturevalue("endpoints")["minio"])


@pytest.fixture(scope="session")
def database_url(endpoints: dict[str, Any]) -> Iterator[str]:
    """A migrated database on the running server, for these tests only."""
    with own_database(endpoints["database_url"]) as url:
        yield url


@pytest.fixture(scope="module")
def pool(database_url: str) -> Iterator[Database]:
    """One pool for each test file, because tests in other files may have stopped the server in between."""
    pool = Database(database_url, connections=16, timeout=20)
    yield pool
    pool.close()


@pytest.fixture
def database(pool: Database) -> Database:
    """The pool, after all tables were emptied."""
    with pool.transaction() as cursor:
        names = cursor.execute(
            "select string_agg(format('%I', tablename), ', ') as names from pg_tables "
            "where schemaname = 'public' and tablename not in ('schema_migration', 'pseudonym_space')"
        ).fetchone()
        assert names is not None
        cursor.execute(f"truncate {names['names']} restart identity cascade")
    return pool


@pytest.fixture
def bench(database: Database) -> Iterator[PageBench]:
    """The page for reviewers on empty tables and an empty store in memory."""
    bench = PageBench.on(database)
    yield bench
    bench.close()


@pytest.fixture
def provider() -> Iterator["OidcProvider"]:
    """An OpenID Connect provider with a reviewer, an operator, and a user without a role."""
    from tests.support.oidc_provider import running_provider

    with running_provider() as provider:
        provider.add_user("17", preferred_username="nurse", groups=["radiology", "others"])
        provider.add_user("18", preferred_username="porter", groups=["others"])
        provider.add_user("19", groups="it")
        yield provider


@pytest.fixture
def oidc_bench(database: Database, provider: "OidcProvider") -> PageBench:
    """The page with this provider."""
    from tests.support.oidc_provider import ROLES

    return PageBench.on(
        database, oidc_issuer=provider.issuer, oidc_client_id="page", oidc_client_secret="s", oidc_roles=ROLES
    )


@pytest.fixture(params=["memory", "real"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which implementation of the port a test runs on; each test runs on both."""
    return str(request.param)


@pytest.fixture
def real_database(kind: str, request: pytest.FixtureRequest) -> Database | None:
    """The database of the real implementation; None for the implementation in memory."""
    return None if kind == "memory" else request.getfixturevalue("database")


@pytest.fixture
def ledgers(real_database: Database | None) -> Ledgers:
    """The ledgers of all functions."""
    return make_ledgers(real_database)


@pytest.fixture
def ledger(ledgers: Ledgers) -> Ledger:
    """The ledger of extract."""
    return ledgers.of("extract")


@pytest.fixture
def sources(real_database: Database | None) -> Sources:
    """The rows of folders and files of the NAS."""
    return Sources(real_database)


@pytest.fixture
def tables(real_database: Database | None) -> Tables:
    """The ports that store rows, on empty tables; a bucket holds five images."""
    return Tables(real_database, capacity=5)


@pytest.fixture
def labels(tables: Tables) -> LabelFiles:
    """Label files imported into the tables."""
    return LabelFiles(tables)


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest) -> ObjectStore:
    """An object store."""
    return InMemoryObjectStore() if kind == "memory" else request.getfixturevalue("minio")


@pytest.fixture
def bucket(store: ObjectStore) -> Iterator[str]:
    """An empty bucket without notifications."""
    name = f"contract-{secrets.token_hex(6)}"
    store.ensure_bucket(name)
    yield name
    if isinstance(store, MinioStore):
        remove_bucket(store, name)
