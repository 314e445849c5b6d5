"""The real ports, built from the settings once per process: at first use, never at import."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from common.database import Database
from common.http.http_target import Check, Target
from common.ledger.ledger import Ledger
from common.ledger.postgres_ledger import PostgresLedger
from common.settings import Settings, settings
from common.stage.admission import MAX_WAIT_SECONDS, Admission
from common.stage.backlog import drain
from common.stage.item import Item, Outcome
from common.stage.stage import LONGEST_WAIT, Stage
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from common.store.object_store import ObjectStore
from common.tls import require_tls
from common.tokens import TokenFile, Tokens


def store_access(config: Settings) -> dict[str, Any]:
    """Where the object store of these settings is, and its keys, by the names that `MinioStore` takes."""
    return {
        "endpoint": config.required("minio_endpoint"),
        "access_key": config.required("minio_access_key"),
        "secret_key": config.required("minio_secret_key"),
        "secure": config.minio_secure,
        "ca_file": config.minio_ca_file,
        "region": config.minio_region,
    }


def store_of(config: Settings) -> MinioStore:
    """The object store of these settings."""
    require_tls(config, "minio_endpoint")
    return MinioStore(
        **store_access(config), timeout=config.store_seconds, notifications=config.store_notifications
    )


@cache
def object_store() -> ObjectStore:
    """The object store of this process."""
    return store_of(settings())


def tokens() -> Tokens:
    """The tokens that this process accepts; it sends the first."""
    return tokens_of(settings())


def tokens_of(config: Settings) -> Tokens:
    """The tokens of these settings: those in the token file, or else the one that is set."""
    if config.token_file is not None:
        return Tokens(TokenFile(config.token_file))
    return Tokens.of(config.required("token"))


@cache
def database() -> Database:
    """The database in the settings."""
    config = settings()
    require_tls(config, "database_url")
    return Database(
        config.required("database_url"),
        answer_seconds=config.database_seconds,
        prepares=config.database_prepared_statements,
    )


@cache
def ledger(function: str) -> Ledger:
    """One function's rows of the ledger."""
    config = settings()
    longest = 2 * max(config.lease_seconds, LONGEST_WAIT * config.retry_seconds)
    return PostgresLedger(database(), function=function, longest_seconds=longest)


def checks() -> dict[str, Check]:
    """The dependencies of every function, for its health answer."""
    return {"object store": lambda: object_store().ping(), "database": lambda: database().ping()}


@cache
def admission() -> Admission:
    """The slots for events in this process."""
    return Admission(settings().at_a_time, max_wait_seconds=MAX_WAIT_SECONDS)


def stage(
    function: str,
    work: Callable[[Item], Outcome],
    *,
    accepts: Callable[[Location], bool],
    is_announced: Callable[[Location], bool] = lambda _: False,
) -> Stage:
    """A stage on the real ports."""
    config = settings()
    return Stage(
        function=function,
        work=work,
        accepts=accepts,
        is_announced=is_announced,
        store=object_store(),
        ledger=ledger(function),
        lease_seconds=config.lease_seconds,
        retry_seconds=config.retry_seconds,
    )


def stage_target(stage: Stage, *, on_run: Callable[[], Mapping[str, object]] | None = None) -> Target:
    """The HTTP target of a stage: it takes events and works on its backlog."""
    return Target(
        stage.function,
        tokens(),
        on_record=stage.handle,
        on_full=stage.announce,
        on_run=on_run,
        on_due=partial(drain, stage.next, admission()),
        checks=checks(),
        admission=admission(),
    )
