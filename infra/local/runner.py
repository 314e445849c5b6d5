"""Runs a home: servers, schema, buckets, users, functions, timers."""

import getpass
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

import psycopg
import urllib3
from filelock import FileLock, Timeout

from common.database import connect
from common.errors import DependencyAwayError, SettingsError
from common.settings import Settings
from common.store.minio_store import MinioStore
from common.tls import require_tls
from infra.erasure.asked_erasures import erasing_when_asked
from infra.local import supervisor
from infra.local.causes.disk_room import require_open_files, require_room
from infra.local.causes.os_errors import start_errors
from infra.local.causes.start_logs import StartLogs
from infra.local.causes.waiting import START_SECONDS, Waiting
from infra.local.home import Home, TcpPorts, nas_address, write_tokens
from infra.local.postgres_server import DATABASE, PostgresServer
from infra.local.programs import Plan, programs, servers
from infra.local.service.scrape_files import ScrapeFiles
from infra.local.stores.chosen_store import chosen_store
from infra.local.stores.local_store import LocalStore
from infra.local.stores.minio_server import write_minio_environment
from infra.local.supervisor import Program, Supervised
from infra.local.timers import running_timers
from infra.provision.private_text import write_private
from infra.provision.roles import can_create_roles, close_other_databases
from infra.provision.set_up import set_up_database
from infra.provision.store.store_setup import create_buckets

Say = Callable[[str], None]
Arrange = Callable[[Plan], list[Program]]


@dataclass(frozen=True)
class Running:
    """A running home."""

    endpoints: dict[str, Any]  # as in endpoints.json
    supervised: Supervised
    scrape_files: ScrapeFiles

    def watch(self, ended: Event) -> None:
        """Show crashes and restarts until `ended` is set; raises DependencyAwayError if supervisord ends."""
        self.supervised.skip_to_now()
        while not ended.wait(timeout=1):
            self.supervised.say_news()
            self.scrape_files.follow_token()


@contextmanager
def running(
    home: Home,
    settings: Settings,
    say: Say,
    *,
    arrange: Arrange = programs,
    new_pseudonym_space: str | None = None,
) -> Iterator[Running]:
    """Start everything of a home, and end it at the end.

    `arrange` returns the processes to start; tests use it to put TCP relays between them.
    """
    with start_errors(home), _locked(home, settings) as store, home.reserved_tcp_ports() as ports:
        plan = _plan(home, settings, store, ports, say)
        _write_secrets(plan)
        with _supervised(plan, arrange(plan), say) as (supervised, waiting):
            with waiting.server_errors():
                endpoints = _set_up(plan, waiting, say, new_pseudonym_space)
            scrape_files = ScrapeFiles(home, plan.tokens)
            scrape_files.write(plan.served_urls)
            write_private(home.endpoints, endpoints)
            try:
                with _timers(plan, say):
                    yield Running(endpoints, supervised, scrape_files)
            finally:
                home.endpoints.unlink(missing_ok=True)
                say("Ending all processes.")


@contextmanager
def _timers(plan: Plan, say: Say) -> Iterator[None]:
    """Call the functions at their intervals, and carry out erasures that are asked for on the page."""
    undo_seconds = plan.settings.undo_seconds
    with (
        running_timers(plan.urls, plan.settings, tokens=plan.tokens),
        erasing_when_asked(plan.database_url, _operator_store(plan), undo_seconds=undo_seconds, say=say),
    ):
        yield


@contextmanager
def running_servers(home: Home, settings: Settings, say: Say) -> Iterator[tuple[str, MinioStore]]:
    """Start only the database and the object store of a home; the database of a new home is empty."""
    with start_errors(home), _locked(home, settings) as store, home.reserved_tcp_ports() as ports:
        plan = _plan(home, settings, store, ports, say)
        _write_secrets(plan)
        with _supervised(plan, servers(plan), say) as (_, waiting):
            if plan.postgres is not None:
                _create_database(plan, waiting, plan.postgres)
            waiting.until(store.name, partial(store.is_ready, plan, _answers))
            yield plan.database_url, _operator_store(plan)


@contextmanager
def _locked(home: Home, settings: Settings) -> Iterator[LocalStore]:
    """Lock the home for this process, and clean up after a killed run; yields its object store."""
    store = chosen_store(home, settings)
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(home.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SettingsError(f"The home {home.folder} is running already; see its endpoints.json.") from None
    with lock:
        supervisor.end_leftovers(home)
        home.create(store.name)
        require_room(home)
        require_open_files()
        yield store


def _operator_store(plan: Plan) -> MinioStore:
    return MinioStore(
        endpoint=plan.endpoint,
        access_key=plan.secrets.minio_user,
        secret_key=plan.secrets.minio_password,
        notifications=plan.notifications,
    )


def _plan(home: Home, settings: Settings, store: LocalStore, ports: TcpPorts, say: Say) -> Plan:
    secrets, binary = home.secrets(), store.program.binary(say)
    plan = partial(Plan, home, settings, secrets, ports, store, binary)
    if settings.database_url is not None:
        require_tls(settings, "database_url")
        url = settings.database_url.get_secret_value()
        say("Connecting to DATABASE_URL.")
        if not _becomes_true(partial(_connects, url)):
            raise DependencyAwayError(f"DATABASE_URL did not answer within {START_SECONDS} s.")
        return plan(None, url, can_create_roles(url))
    server = PostgresServer(home.postgres_data, secrets.postgres_password)
    server.create()
    return plan(server, server.url(ports.postgres), has_roles=True)


def _write_secrets(plan: Plan) -> None:
    """Write the files from which functions and the object store read their secrets."""
    if plan.settings.token_file is None:
        own = plan.settings.token
        write_tokens(plan.home, [own.get_secret_value() if own else plan.secrets.token])
    write_minio_environment(plan.home, plan.secrets, plan.tokens.current)


@contextmanager
def _supervised(plan: Plan, processes: list[Program], say: Say) -> Iterator[tuple[Supervised, Waiting]]:
    """Run processes under supervisord, and end them at the end."""
    supervisor.write_config(plan.home, processes)
    logs = StartLogs.of(plan.home)
    daemon = supervisor.start(plan.home)
    try:
        yield (
            Supervised(plan.home, daemon, say),
            Waiting(logs, daemon, plan.store.name, plan.postgres is not None),
        )
    finally:
        daemon.terminate()
        try:
            daemon.wait(timeout=40)
        except subprocess.TimeoutExpired:
            daemon.kill()
        supervisor.end_leftovers(plan.home)
        plan.home.clear_scratch()


def _set_up(plan: Plan, waiting: Waiting, say: Say, new_space: str | None) -> dict[str, Any]:
    """Set up the servers once they answer, and wait until every function is healthy."""
    if plan.postgres is not None:
        say("Starting Postgres.")
        _create_database(plan, waiting, plan.postgres)
    set_up_database(
        plan.database_url,
        plan.settings,
        keys=plan.pseudonym_keys,
        passwords=plan.secrets.postgres_keys if plan.has_roles else None,
        new_space=new_space,
        who=getpass.getuser(),
    )
    store = plan.store
    say(f"Starting {store.program.title}.")
    waiting.until(store.name, partial(store.is_ready, plan, _answers))
    waiting.until(store.name, partial(store.has_users, plan))
    create_buckets(_operator_store(plan), images_prefix=plan.settings.images_prefix)
    say("Starting the functions.")
    for name, url in plan.served_urls.items():
        waiting.until(name, partial(_is_healthy, url))
    return _endpoints(plan)


def _endpoints(plan: Plan) -> dict[str, Any]:
    """What clients find in endpoints.json: URLs, keys, and how the functions learn of work."""
    return {
        "home": str(plan.home.folder),
        "pid": os.getpid(),
        "minio": {
            "endpoint": plan.endpoint,
            "access_key": plan.secrets.minio_user,
            "secret_key": plan.secrets.minio_password,
            "secure": False,
        },
        "store": plan.store.name,
        "notifications": plan.notifications,
        "listing_seconds": plan.settings.listing_seconds,
        "iam": plan.store.iam_url(plan),
        "database_url": plan.database_url,
        "functions": plan.urls,
        "nas": nas_address(plan.settings.nas_url),
        "token": plan.tokens.current,
    }


def _create_database(plan: Plan, waiting: Waiting, postgres: PostgresServer) -> None:
    server = postgres.url(plan.tcp_ports.postgres, database="postgres")
    waiting.until("postgres", partial(_connects, server))
    with connect(server, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
        if not known:
            connection.execute(f"create database {DATABASE}")
    close_other_databases(server)


def _becomes_true(is_ready: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _connects(url: str) -> bool:
    try:
        connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


_http = urllib3.PoolManager(timeout=5, retries=False)


def _answers(url: str) -> bool:
    try:
        return _http.request("GET", url).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _is_healthy(url: str) -> bool:
    try:
        answer = _http.request("GET", url)
        return answer.status == 200 and answer.json()["status"] == "ok"
    except urllib3.exceptions.HTTPError:
        return False
