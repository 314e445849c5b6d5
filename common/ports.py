"""The real ports, built from the settings once per process, at first use and never at import."""

from collections.abc import Callable, Mapping
from functools import cache, partial

from common.admission import Admission
from common.database import Database
from common.due_items import work_off
from common.http_target import Check, Target
from common.ledger import Ledger
from common.minio_store import MinioStore
from common.object_key import Location
from common.object_store import ObjectStore
from common.postgres_ledger import PostgresLedger
from common.settings import settings
from common.stage import MOST_WAITS, Item, Outcome, Stage
from common.tokens import TokenFile, Tokens
from common.transport import require_tls


@cache
def object_store() -> ObjectStore:
    """The store the settings name."""
    chosen = settings()
    require_tls(chosen, "minio_endpoint")
    return MinioStore(
        endpoint=chosen.required("minio_endpoint"),
        access_key=chosen.required("minio_access_key"),
        secret_key=chosen.required("minio_secret_key"),
        secure=chosen.minio_secure,
        ca_file=chosen.minio_ca_file,
        timeout=chosen.store_seconds,
    )


def tokens() -> Tokens:
    """What callers may send: the file's tokens, or the ones the settings hold."""
    chosen = settings()
    if chosen.token_file is not None:
        return Tokens(TokenFile(chosen.token_file))
    before = chosen.token_before
    return Tokens.of(chosen.required("token"), *([before.get_secret_value()] if before else []))


@cache
def database() -> Database:
    """The database the settings name."""
    chosen = settings()
    require_tls(chosen, "database_url")
    return Database(chosen.required("database_url"), answer_seconds=chosen.database_seconds)


@cache
def ledger(function: str) -> Ledger:
    """One function's rows of the ledger."""
    chosen = settings()
    longest = 2 * max(chosen.lease_seconds, MOST_WAITS * chosen.retry_seconds)
    return PostgresLedger(database(), function=function, longest_seconds=longest)


def checks() -> dict[str, Check]:
    """What every function needs, for its health answer."""
    return {"object store": lambda: object_store().ping(), "database": lambda: database().ping()}


@cache
def admission() -> Admission:
    """The places for events in this process."""
    chosen = settings()
    return Admission(chosen.at_a_time, patience_seconds=chosen.patience_seconds)


def stage(
    function: str,
    work: Callable[[Item], Outcome],
    *,
    accepts: Callable[[Location], bool],
    is_announced: Callable[[Location], bool] = lambda _: False,
) -> Stage:
    """A stage on the real ports."""
    chosen = settings()
    return Stage(
        function=function,
        work=work,
        accepts=accepts,
        is_announced=is_announced,
        store=object_store(),
        ledger=ledger(function),
        lease_seconds=chosen.lease_seconds,
        retry_seconds=chosen.retry_seconds,
        max_crashes=chosen.max_crashes,
    )


def stage_target(stage: Stage, *, on_run: Callable[[], Mapping[str, object]] | None = None) -> Target:
    """A stage as it is served: events, and what is due."""
    return Target(
        stage.function,
        tokens(),
        on_record=stage.handle,
        on_full=stage.expect,
        on_run=on_run,
        on_due=partial(work_off, stage.next, admission(), seconds=settings().due_seconds),
        checks=checks(),
        admission=admission(),
    )
