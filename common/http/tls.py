"""What leaves the machine goes over TLS, unless the settings say that the network itself is encrypted."""

import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from common.errors import SettingsError
from common.settings import Settings, variable_name

# libpq's sslmode (PostgreSQL manual, "SSL Support"): with all others a server may be asked in the clear.
ENCRYPTED = {"require", "verify-ca", "verify-full"}
_TOLD = "or set DCM2SET_ALLOW_PLAINTEXT=true where the network itself is encrypted."


def plaintext_faults(settings: Settings) -> dict[str, str]:
    """What is on another machine and would be reached without TLS, by variable: a sentence each."""
    return dict(_faults(settings))


def require_tls(settings: Settings, name: str) -> None:
    """Raise SettingsError if what this settings field names is elsewhere and reached without TLS."""
    fault = plaintext_faults(settings).get(variable_name(name))
    if fault and not settings.allow_plaintext:
        raise SettingsError(fault)


def tls_context(ca_file: Path | None, name: str) -> ssl.SSLContext:
    """A client's TLS: certificate and host name verified, by the system's CAs or the file's alone."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise SettingsError(f"{variable_name(name)} is wrong: expected a PEM file of certificates.") from None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine; a name other than localhost counts as another."""
    bare = host.strip("[]").lower()
    if bare in {"", "localhost"} or bare.startswith(("/", "@")):  # libpq: a socket of this machine
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def _faults(settings: Settings) -> Iterator[tuple[str, str]]:
    endpoint = settings.minio_endpoint
    if endpoint and not (settings.minio_secure or _is_here(f"//{endpoint}")):
        told = "DCM2SET_MINIO_ENDPOINT names another machine without TLS: set DCM2SET_MINIO_SECURE=true"
        yield variable_name("minio_endpoint"), f"{told}, {_TOLD}"
    if settings.database_url and not _is_safe_database(settings.database_url.get_secret_value()):
        told = f"DATABASE_URL names another machine without TLS: add sslmode=verify-full to it, {_TOLD}"
        yield variable_name("database_url"), told
    for url in settings.function_urls.values():
        if not (url.startswith("https://") or _is_here(url)):
            told = f"DCM2SET_FUNCTION_URLS names another machine without TLS: use https, {_TOLD}"
            yield variable_name("function_urls"), told


def _is_here(url: str) -> bool:
    """Whether a URL is of this machine; one of a wrong form is left to whoever opens it."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return True
    return is_loopback(host)


def _is_safe_database(url: str) -> bool:
    try:
        told = conninfo_to_dict(url)
    except ProgrammingError:
        return True  # nothing is sent to what is no URL; connecting says so
    hosts = f"{told.get('host') or ''},{told.get('hostaddr') or ''}".split(",")
    return all(map(is_loopback, hosts)) or told.get("sslmode") in ENCRYPTED
