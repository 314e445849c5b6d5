"""The doctor's checks of TLS to other machines, of who can read secrets, and of the sandbox."""

import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from common.confinement.confinement import missing_protections, present_protections
from common.settings import Settings
from common.tls import is_loopback, plaintext_faults
from infra.health.finding import Finding
from infra.local.home import Home


def security_findings(home: Home, settings: Settings) -> Iterator[Finding]:
    """TLS to other machines, whether other users can read files with secrets, and the sandbox."""
    yield from _transport(settings)
    yield _secret_files(home, settings)
    yield from _sandbox()


def _sandbox() -> Iterator[Finding]:
    """Which protections the process that reads and draws files has on this machine."""
    missing = missing_protections()
    yield from (Finding("sandbox", False, sentence) for sentence in missing)
    if not missing:
        yield Finding("sandbox", True, f"files are read and drawn with {present_protections()}")


def _transport(settings: Settings) -> Iterator[Finding]:
    faults = list(plaintext_faults(settings).values())
    nas = urlsplit(settings.nas_url or "")
    if nas.scheme == "synology+http" and not is_loopback(nas.hostname or ""):
        faults.append("DCM2SET_NAS_URL names another machine without TLS: use synology+https.")
    if _is_unverified(settings):
        faults.append("DATABASE_URL is encrypted, but the server is not verified: use sslmode=verify-full.")
    for fault in faults:
        yield Finding("TLS", False, fault)
    if not faults:
        yield Finding("TLS", True, "nothing leaves this machine without encryption")


def _is_unverified(settings: Settings) -> bool:
    if settings.database_url is None:
        return False
    try:
        parts = conninfo_to_dict(settings.database_url.get_secret_value())
    except ProgrammingError:
        return False
    return parts.get("sslmode") == "require" and not is_loopback(str(parts.get("host") or ""))


def _secret_files(home: Home, settings: Settings) -> Finding:
    secret = [home.folder / name for name in ("secrets.json", "ports.json")]
    secret += [
        home.endpoints,
        home.token_file,
        home.prometheus / "token",
        home.minio_environment,
        home.supervisor_config,
        Path(".env"),
    ]
    secret += [settings.token_file] if settings.token_file else []
    readable = [path.name for path in secret if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if home.folder.exists() and stat.S_IMODE(home.folder.stat().st_mode) & 0o077:
        readable.append(home.folder.name)
    if readable:
        return Finding("secrets", False, f"other users can read {', '.join(readable)}: chmod go= on each")
    return Finding("secrets", True, "only their owner can read the files with secrets")
