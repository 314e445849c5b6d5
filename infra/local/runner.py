"""Everything of a home, running: servers, schema, buckets, users, functions, timers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import urllib3
from filelock import FileLock, Timeout

from common.errors import DependencyAwayError, SettingsError
from common.minio_store import MinioStore
from common.settings import Settings
from infra.function_card import FunctionCard, function_cards
from infra.local import supervisor
from infra.local.home import Home, Ports, Secrets, write_private
from infra.local.minio_binary import minio_binary
from infra.local.postgres_server import DATABASE, PostgresServer
from infra.local.supervisor import Program
from infra.local.timers import running_timers
from infra.schema import can_create_roles, create_roles, migrate
from infra.store_setup import create_buckets, create_users

START_SECONDS = 90
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What one run of a home consists of."""

    home: Home
    settings: Settings
    secrets: Secrets
    ports: Ports
    minio: Path
    postgres: PostgresServer | None  # None: the user's own server
    database_url: str

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.ports.minio}"

    @property
    def urls(self) -> dict[str, str]:
        return {name: f"http://127.0.0.1:{port}/" for name, port in self.ports.functions.items()}


@contextmanager
def running(home: Home, settings: Settings, tell: Tell) -> Iterator[dict[str, Any]]:
    """Start everything of a home; yields its endpoints, and ends everything at the end."""
    home.create()
    lock = FileLock(home.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SettingsError(f"The home {home.folder} is running already; see its endpoints.json.") from None
    with lock:
        supervisor.end_leftovers(home)
        plan = _plan(home, settings, tell)
        with _supervised(plan):
            endpoints = _prepared(plan, tell)
            write_private(home.endpoints, endpoints)
            try:
                with running_timers(plan.urls, settings, token=endpoints["token"]):
                    yield endpoints
            finally:
                home.endpoints.unlink(missing_ok=True)
                tell("Ending all processes.")


def _plan(home: Home, settings: Settings, tell: Tell) -> Plan:
    secrets, minio = home.secrets(), minio_binary(tell)
    ports = home.ports()
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        return Plan(home, settings, secrets, ports, minio, None, url)
    server = PostgresServer(home.postgres_data, secrets.postgres_password)
    server.create()
    return Plan(home, settings, secrets, ports, minio, server, server.url(ports.postgres))


@contextmanager
def _supervised(plan: Plan) -> Iterator[None]:
    """Supervisord with the servers; the functions join once their users exist."""
    roles = {card.function: plan.database_url for card in function_cards()}
    if plan.postgres is not None:
        for name, password in plan.secrets.postgres_keys.items():
            user = f"{DATABASE}_{name}"
            roles[name] = plan.postgres.url(plan.ports.postgres, user=user, password=password)
    programs = [_minio(plan), *(_function(plan, card, roles[card.function]) for card in function_cards())]
    if plan.postgres is not None:
        command = plan.postgres.command(plan.ports.postgres)
        programs.append(Program("postgres", command, {}, priority=1, stop_signal="INT"))
    supervisor.write_config(plan.home, programs)
    daemon = supervisor.start(plan.home)
    try:
        yield
    finally:
        daemon.terminate()
        try:
            daemon.wait(timeout=40)
        except subprocess.TimeoutExpired:
            daemon.kill()
        supervisor.end_leftovers(plan.home)


def _minio(plan: Plan) -> Program:
    environment = {
        "MINIO_ROOT_USER": plan.secrets.minio_user,
        "MINIO_ROOT_PASSWORD": plan.secrets.minio_password,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        # Deliveries in flight at a time, for all functions together.
        "GOMAXPROCS": str(max(4, os.cpu_count() or 1)),
    }
    for name, url in plan.urls.items():
        target = name.upper()
        environment[f"MINIO_NOTIFY_WEBHOOK_ENABLE_{target}"] = "on"
        environment[f"MINIO_NOTIFY_WEBHOOK_ENDPOINT_{target}"] = url
        environment[f"MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_{target}"] = _token(plan)
    command = [str(plan.minio), "server", "--quiet", "--address", plan.endpoint, str(plan.home.minio_data)]
    return Program("minio", command, environment, priority=2)


def _function(plan: Plan, card: FunctionCard, database_url: str) -> Program:
    given = {name: value for name, value in os.environ.items() if name.startswith("DCM2SET_")}
    environment = given | {
        "DCM2SET_TOKEN": _token(plan),
        "DCM2SET_MINIO_ENDPOINT": plan.endpoint,
        "DCM2SET_MINIO_ACCESS_KEY": f"dcm2set-{card.function}",
        "DCM2SET_MINIO_SECRET_KEY": plan.secrets.minio_keys[card.function],
        "DATABASE_URL": database_url,
        "WORKERS": str(card.workers),
        "THREADS": str(card.threads),
        # Several workers share the cores; more threads within each only get in their way.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
    environment.pop("DCM2SET_DATABASE_URL", None)
    environment.pop("DCM2SET_PSEUDONYM_KEY", None)
    if card.function == "extract":
        environment["DCM2SET_PSEUDONYM_KEY"] = _pseudonym_key(plan)
    if card.function == "poll_nas" and plan.settings.nas_url:
        environment["DCM2SET_NAS_URL"] = plan.settings.nas_url
    if card.function == "sweep":
        environment["DCM2SET_FUNCTION_URLS"] = json.dumps(plan.urls)
    port = plan.ports.functions[card.function]
    command = [sys.executable, "-m", "functions_framework", "--source", str(card.source)]
    command += ["--target", card.function, "--host", "127.0.0.1", "--port", str(port)]
    return Program(card.function, command, environment, priority=10, group="functions")


def _token(plan: Plan) -> str:
    chosen = plan.settings.token
    return chosen.get_secret_value() if chosen else plan.secrets.token


def _pseudonym_key(plan: Plan) -> str:
    chosen = plan.settings.pseudonym_key
    return chosen.get_secret_value() if chosen else plan.secrets.pseudonym_key


def _prepared(plan: Plan, tell: Tell) -> dict[str, Any]:
    """Set up the servers as they come up, and wait until every function is healthy."""
    secrets, prefix = plan.secrets, plan.settings.images_prefix
    tell("Starting Postgres." if plan.postgres else "Connecting to DATABASE_URL.")
    _create_database(plan)
    migrate(plan.database_url)
    if plan.postgres is not None or can_create_roles(plan.database_url):
        create_roles(plan.database_url, secrets.postgres_keys)
    tell("Starting MinIO.")
    _wait(plan, "minio", lambda: _answers(f"http://{plan.endpoint}/minio/health/ready"))
    create_users(
        endpoint=plan.endpoint,
        user=secrets.minio_user,
        password=secrets.minio_password,
        keys=secrets.minio_keys,
        images_prefix=prefix,
    )
    store = MinioStore(
        endpoint=plan.endpoint, access_key=secrets.minio_user, secret_key=secrets.minio_password
    )
    create_buckets(store, images_prefix=prefix)
    tell("Starting the functions.")
    for name, url in plan.urls.items():
        if name != "poll_nas" or plan.settings.nas_url:
            _wait(plan, name, partial(_is_healthy, url))
    return {
        "home": str(plan.home.folder),
        "pid": os.getpid(),
        "minio": {
            "endpoint": plan.endpoint,
            "access_key": secrets.minio_user,
            "secret_key": secrets.minio_password,
            "secure": False,
        },
        "database_url": plan.database_url,
        "functions": plan.urls,
        "token": _token(plan),
    }


def _create_database(plan: Plan) -> None:
    if plan.postgres is None:
        _wait(plan, "DATABASE_URL", lambda: _connects(plan.database_url))
        return
    server = plan.postgres.url(plan.ports.postgres, database="postgres")
    _wait(plan, "postgres", lambda: _connects(server))
    with psycopg.connect(server, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
        if not known:
            connection.execute(f"create database {DATABASE}")


def _wait(plan: Plan, name: str, is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_there():
        if time.monotonic() > deadline:
            log = plan.home.logs / f"{name}.log"
            log = log if log.exists() else plan.home.logs / "supervisord.out"
            raise DependencyAwayError(
                f"{name} did not start within {START_SECONDS} s; its log {log} ends with:\n"
                f"{supervisor.last_lines(log)}"
            )
        time.sleep(0.1)


def _connects(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
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
