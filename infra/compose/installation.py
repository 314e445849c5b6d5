"""The folder of one installation under Docker Compose: its files, settings, secrets and data."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

from common.errors import SettingsError
from common.settings import load_settings
from common.tls import is_loopback
from infra.compose.certificate import own_certificate, self_signed
from infra.compose.secrets_folder import write_secrets
from infra.provision.function_card import function_cards
from infra.provision.private_text import write_private

_HERE = Path(__file__).parent
_SHIPPED = ("compose.yaml", "haproxy.cfg", "prometheus.yml", "close_other_databases.sql")
_POLLED = "          - poll-nas:8080\n"  # the line of its metrics
_ALERTS = _HERE.parent / "monitoring" / "alerts.yml"
_OF_VERSION = ("DCM2SET_IMAGE", "DCM2SET_OPERATOR_IMAGE", "DCM2SET_STORE_IMAGE", "DCM2SET_SOURCE")
_OF_NAS = ("COMPOSE_PROFILES", "DCM2SET_NAS_URL", "DCM2SET_NAS_FOLDER", "DCM2SET_NAS_USER")
_FOLDERS = ("data/store", "data/postgres", "data/prometheus", "nas", "out")
_IMAGE_USER = (65532, 65532)  # of containers, if root starts them
# A worker of extract has two files in work; each may need this for its pictures, and as much as it is long.
_FILES_OF_WORKER, _PICTURES_MIB, _FILE_MIB, _BASE_MIB = 2, 768, 512, 1024
_QUALITY_WORKER_MIB = 1024
_SETTINGS = """\
# Your settings (docs/settings.md), one a line: NAME=value. All functions read them.
# `docker compose up -d` applies them. Secrets do not belong here: they are files in the folder secrets.
"""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Choices:
    """What a person chooses about an installation."""

    page_url: str = "https://localhost"
    nas_url: str = ""
    nas_user: str = ""
    user: tuple[int, int] | None = None  # of the containers
    certificate: Path | None = None


def container_name(function: str) -> str:
    """The name of a function's service, which is also its host name."""
    return function.replace("_", "-")


def urls() -> dict[str, str]:
    """The functions' URLs on the networks of the containers."""
    return {card.function: f"http://{container_name(card.function)}:8080/" for card in function_cards()}


def create(folder: Path, choices: Choices, say: Say) -> None:
    """Make the folder of a new installation. Raises SettingsError if it has one."""
    if (folder / "compose.yaml").exists() or (folder / "secrets").exists():
        raise SettingsError(
            f"{folder} is an installation already; its secrets stay as they are. "
            "With --update, what is missing is made, and the files of this version are copied."
        )
    host = _host(choices.page_url)
    own = own_certificate(choices.certificate) if choices.certificate else None
    environment = _environment(choices)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_environment(folder, environment)
    write_private(folder / "settings.env", _SETTINGS)
    _fill(folder, certificate=own, host=host)
    if own is None:
        say(f"The certificate for {host} is signed by nobody, so browsers warn: see --certificate.")
    if choices.nas_url.startswith("synology"):
        say(f"First write the password of the NAS into {folder}/secrets/poll_nas/DCM2SET_NAS_PASSWORD.")
    say(f"Start it: cd {folder} && docker compose up -d --wait")
    say(f"The page will be at {choices.page_url}. Make its first user:")
    say("docker compose run --rm operator users add admin --role reviewer --role operator")


def update(folder: Path, choices: Choices, say: Say) -> None:
    """Copy the files of this version, and make secrets that are missing; all others stay as they are.

    Another NAS or certificate is taken over, the other choices are those of the beginning.
    """
    if not (folder / ".env").exists():
        raise SettingsError(f"{folder} is no installation; without --update a new one is made.")
    known = read_environment(folder)
    own = own_certificate(choices.certificate) if choices.certificate else None
    wanted = _environment(replace(choices, page_url=known["DCM2SET_PAGE_URL"]))
    anew = _OF_VERSION + (_OF_NAS if choices.nas_url else ())
    merged = wanted | known | {name: wanted[name] for name in anew}
    _write_environment(folder, merged)
    made = _fill(folder, certificate=own, host=_host(known["DCM2SET_PAGE_URL"]))
    say(f"New secrets: {', '.join(made) or 'none'}.")
    say(f"Apply it: cd {folder} && docker compose up -d --wait --force-recreate")


def _fill(folder: Path, *, certificate: str | None, host: str) -> list[str]:
    environment = read_environment(folder)
    for source in (*(_HERE / name for name in _SHIPPED), _ALERTS):
        text = source.read_text(encoding="utf-8")
        if source.name == "prometheus.yml" and not environment["COMPOSE_PROFILES"]:
            text = text.replace(_POLLED, "")  # it would be told as down
        (folder / source.name).write_text(text, encoding="utf-8")
        (folder / source.name).chmod(0o644)  # containers read them, whatever the umask is
    for name in _FOLDERS:
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    made = write_secrets(folder / "secrets", urls=urls(), certificate=certificate, made=self_signed(host))
    _give(folder, tuple(map(int, environment["DCM2SET_USER"].split(":"))))
    return made


def _give(folder: Path, user: tuple[int, ...]) -> None:
    """Make the user of the containers the owner; what is in the folders of data has its owner already."""
    if user == (os.geteuid(), os.getegid()):
        return
    own = [folder / name for name in _FOLDERS] + [folder / "secrets", *(folder / "secrets").rglob("*")]
    try:
        for path in own:
            os.chown(path, *user)
    except PermissionError:
        raise SettingsError("Only root may give the secrets to another user: leave out --user.") from None


def _environment(choices: Choices) -> dict[str, str]:
    """The variables of compose.yaml, none of which is a secret."""
    here = "127.0.0.1:" if is_loopback(_host(choices.page_url)) else ""
    processors = os.cpu_count() or 1
    workers = max(card.workers_here() for card in function_cards())
    files = workers * _FILES_OF_WORKER
    user = choices.user or _own_user()
    tag, root = version("dcm2set"), _HERE.parents[1]
    nas = _share(choices.nas_url)
    return {
        "DCM2SET_IMAGE": f"localhost/dcm2set:{tag}",
        "DCM2SET_OPERATOR_IMAGE": f"localhost/dcm2set-operator:{tag}",
        "DCM2SET_STORE_IMAGE": f"localhost/dcm2set-minio:{tag}",
        "DCM2SET_SOURCE": str(root if (root / "infra" / "image").is_dir() else Path()),
        "DCM2SET_USER": f"{user[0]}:{user[1]}",
        "DCM2SET_PAGE_URL": choices.page_url.rstrip("/"),
        "DCM2SET_PAGE_ADDRESS": f"{here}{urlsplit(choices.page_url).port or 443}",
        "DCM2SET_STORE_ADDRESS": f"{here}9443",
        "DCM2SET_MONITORING_ADDRESS": f"{here}9490",
        "COMPOSE_PROFILES": "nas" if choices.nas_url else "",
        "DCM2SET_NAS_URL": "file:///nas" if nas else choices.nas_url,
        "DCM2SET_NAS_FOLDER": nas or "./nas",
        "DCM2SET_NAS_USER": choices.nas_user,
        "DCM2SET_CPUS": str(processors),
        "DCM2SET_HEAVY_WORKERS": str(workers),
        "DCM2SET_MAX_MEGABYTES_PER_FILE": str(_FILE_MIB),
        "DCM2SET_LABEL_MAX_MEGABYTES": "512",
        "DCM2SET_EXTRACT_TMP": f"{files * _FILE_MIB}m",
        "DCM2SET_EXTRACT_MEMORY": f"{_BASE_MIB + files * (_PICTURES_MIB + _FILE_MIB)}m",
        "DCM2SET_QUALITY_MEMORY": f"{_BASE_MIB + workers * _QUALITY_WORKER_MIB}m",
    }


def _share(nas_url: str) -> str | None:
    """The folder of a mounted share; None for another NAS or none. SettingsError if it is neither."""
    parts = urlsplit(nas_url)
    path = unquote(parts.path)
    is_share = parts.scheme == "file" and parts.netloc in {"", "localhost"} and path.startswith("/")
    if is_share and not parts.query and not parts.fragment:
        return path
    if nas_url and parts.scheme != "synology+https":
        raise SettingsError(
            "The NAS is wrong: expected file:///path of the mounted share, with %23 for #, "
            "or synology+https://host:5001/share/path."
        )
    return None


def _own_user() -> tuple[int, int]:
    return _IMAGE_USER if os.geteuid() == 0 else (os.geteuid(), os.getegid())


def _host(page_url: str) -> str:
    """The host of the page's address. Raises SettingsError if it is no address with TLS."""
    load_settings(page_url=page_url)
    if not page_url.startswith("https://"):
        raise SettingsError("The address of the page begins with https://, because the proxy adds TLS.")
    return urlsplit(page_url).hostname or ""


def _write_environment(folder: Path, variables: Mapping[str, str]) -> None:
    """Write the file that Docker Compose reads; between single quotes it changes nothing."""
    for name, value in variables.items():
        if "'" in value or "\n" in value:
            raise SettingsError(f"{name} can't be passed on, because it has a quote or a line break in it.")
    text = "".join(f"{name}='{value}'\n" for name, value in variables.items())
    write_private(folder / ".env", text)


def read_environment(folder: Path) -> dict[str, str]:
    """The variables of compose.yaml in an installation."""
    lines = (folder / ".env").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name: value.strip("'") for name, value in pairs}
