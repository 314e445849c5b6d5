"""Opens the NAS at DCM2SET_NAS_URL."""

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from common.errors import SettingsError
from common.nas.login_refusal import Refusals
from common.nas.mounted_share import FolderNas
from common.nas.nas import Nas
from common.nas.synology.connection import Connection
from common.nas.synology.file_station import FileStation
from common.nas.synology.login import Account, Login
from common.nas.synology.nas import SynologyNas
from common.settings import Settings

_EXPECTED = "expected file:///path of the mounted share, or synology+https://host:5001/share/path"


def open_nas(config: Settings, *, refusals: Refusals | None = None) -> Nas:
    """The NAS in the settings; no request is sent yet."""
    parts = _parts(config.required("nas_url"))
    path = unquote(parts.path)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and path:
        if config.nas_check_md5:
            raise SettingsError("DCM2SET_NAS_CHECK_MD5 needs a Synology NAS: a mounted share offers no MD5.")
        return FolderNas(Path(path))
    if parts.scheme in {"synology+https", "synology+http"}:
        return _synology(parts, path.rstrip("/"), config, refusals)
    raise _wrong_url(_EXPECTED)


def _synology(parts: SplitResult, root: str, config: Settings, refusals: Refusals | None) -> SynologyNas:
    port = _port(parts)
    if parts.username is not None or parts.password is not None:
        raise _wrong_url("the user belongs into DCM2SET_NAS_USER, the password into DCM2SET_NAS_PASSWORD")
    if not parts.hostname or port is None or not root or parts.query or parts.fragment:
        raise _wrong_url(_EXPECTED)
    account = Account(
        user=config.required("nas_user"),
        password=config.required("nas_password"),
        otp_code=config.nas_otp_code.get_secret_value() if config.nas_otp_code else None,
        device_id=config.nas_device_id.get_secret_value() if config.nas_device_id else None,
    )
    connection = Connection(
        parts.hostname,
        port,
        secure=parts.scheme == "synology+https",
        ca_file=config.nas_ca_file,
        seconds=config.nas_timeout_seconds,
        connections=config.nas_copies + 4,  # and for listings and renames
    )
    login = Login(connection, account, refusals=refusals)
    return SynologyNas(FileStation(connection, login), root=root, check_md5=config.nas_check_md5)


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise _wrong_url(_EXPECTED) from None


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        return None


def _wrong_url(why: str) -> SettingsError:
    return SettingsError(f"DCM2SET_NAS_URL is wrong: {why}.")
