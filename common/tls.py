"""Connections to other machines use TLS, unless the settings say that the network itself is encrypted."""

import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from common.errors import SettingsError
from common.settings import Settings, variable_name

# Values of libpq's sslmode that enforce TLS (PostgreSQL manual, "SSL Support"); others may connect without.
ENCRYPTED = {"require", "verify-ca", "verify-full"}
_OR_ALLOW = "or set DCM2SET_ALLOW_PLAINTEXT=true where the network itself is encrypted."


def plaintext_faults(settings: Settings) -> dict[str, str]:
    """Servers on other machines that would be reached without TLS: a sentence for each variable."""
    return dict(_faults(settings))


def require_tls(settings: Settings, name: str) -> None:
    """Raise SettingsError if this settings field names another machine that is reached without TLS."""
    fault = plaintext_faults(settings).get(variable_name(name))
    if fault and not settings.allow_plaintext:
        raise SettingsError(fault)


def tls_context(ca_file: Path | None, name: str) -> ssl.SSLContext:
    """TLS for a client: verifies certificate and host name by the CAs in the file, or else by the system's.

    Raises SettingsError, which names the settings field `name`, if the file is wrong.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise SettingsError(f"{variable_name(name)} is wrong: expected a PEM file of certificates.") from None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine; every name except localhost counts as another machine."""
    bare = host.strip("[]").lower()
    if bare in {"", "localhost"} or bare.startswith(("/", "@")):  # for libpq a local socket
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def _faults(settings: Settings) -> Iterator[tuple[str, str]]:
    endpoint = settings.minio_endpoint
    if endpoint and not (settings.minio_secure or _is_local(f"//{endpoint}")):
        fault = "DCM2SET_MINIO_ENDPOINT names another machine without TLS: set DCM2SET_MINIO_SECURE=true"
        yield variable_name("minio_endpoint"), f"{fault}, {_OR_ALLOW}"
    if settings.database_url and not _is_safe_database(settings.database_url.get_secret_value()):
        fault = f"DATABASE_URL names another machine without TLS: add sslmode=verify-full to it, {_OR_ALLOW}"
        yield variable_name("database_url"), fault
    if settings.oidc_issuer and not (
        settings.oidc_issuer.startswith("https://") or _is_local(settings.oidc_issuer)
    ):
        fault = f"DCM2SET_OIDC_ISSUER names another machine without TLS: use https, {_OR_ALLOW}"
        yield variable_name("oidc_issuer"), fault
    for url in settings.function_urls.values():
        if not (url.startswith("https://") or _is_local(url)):
            fault = f"DCM2SET_FUNCTION_URLS names another machine without TLS: use https, {_OR_ALLOW}"
            yield variable_name("function_urls"), fault


def _is_local(url: str) -> bool:
    """Whether a URL names this machine. A malformed URL counts as local: opening it will fail."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return True
    return is_loopback(host)


def _is_safe_database(url: str) -> bool:
    try:
        parameters = conninfo_to_dict(url)
    except ProgrammingError:
        return True  # not a connection string: connecting will fail and report it
    hosts = f"{parameters.get('host') or ''},{parameters.get('hostaddr') or ''}".split(",")
    return all(map(is_loopback, hosts)) or parameters.get("sslmode") in ENCRYPTED
