"""The NAS that DCM2SET_NAS_URL names."""

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from common.errors import SettingsError
from common.nas import Nas
from common.nas_folder import FolderNas
from common.nas_refusal import Refusals
from common.settings import Settings
from common.synology_connection import Connection
from common.synology_file_station import FileStation
from common.synology_login import Account, Login
from common.synology_nas import SynologyNas

_EXPECTED = "expected file:///path of the mounted share, or synology+https://host:5001/share/path"


def open_nas(chosen: Settings, *, refusals: Refusals | None = None) -> Nas:
    """The NAS of the settings; nothing is asked of it yet."""
    parts = _parts(chosen.required("nas_url"))
    path = unquote(parts.path)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and path:
        return FolderNas(Path(path))
    if parts.scheme in {"synology+https", "synology+http"}:
        return _synology(parts, path.rstrip("/"), chosen, refusals)
    raise _wrong(_EXPECTED)


def _synology(parts: SplitResult, root: str, chosen: Settings, refusals: Refusals | None) -> SynologyNas:
    port = _port(parts)
    if parts.username is not None or parts.password is not None:
        raise _wrong("the user belongs into DCM2SET_NAS_USER, the password into DCM2SET_NAS_PASSWORD")
    if not parts.hostname or port is None or not root or parts.query or parts.fragment:
        raise _wrong(_EXPECTED)
    account = Account(
        user=chosen.required("nas_user"),
        password=chosen.required("nas_password"),
        otp_code=chosen.nas_otp_code.get_secret_value() if chosen.nas_otp_code else None,
        device_id=chosen.nas_device_id.get_secret_value() if chosen.nas_device_id else None,
    )
    connection = Connection(
        parts.hostname,
        port,
        secure=parts.scheme == "synology+https",
        ca_file=chosen.nas_ca_file,
        seconds=chosen.nas_timeout_seconds,
        connections=chosen.nas_copies + 2,
    )
    login = Login(connection, account, refusals=refusals)
    return SynologyNas(FileStation(connection, login), root=root)


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise _wrong(_EXPECTED) from None


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None


def _wrong(why: str) -> SettingsError:
    return SettingsError(f"DCM2SET_NAS_URL is wrong: {why}.")
