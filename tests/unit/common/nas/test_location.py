"""Opening the NAS at DCM2SET_NAS_URL."""

from pathlib import Path

import pytest

from common.errors import SettingsError
from common.nas.location import open_nas
from common.nas.mounted_share import FolderNas
from common.nas.synology.nas import SynologyNas
from common.settings import Settings

SECRET = "Marker-of-a-secret"
ACCOUNT = {"nas_user": "poller", "nas_password": SECRET}


@pytest.mark.parametrize("url", ["file:///mnt/nas", "file://localhost/mnt/nas"])
def test_url_of_a_mounted_share(url: str) -> None:
    """A file URL names a mounted share."""
    assert isinstance(open_nas(Settings(nas_url=url)), FolderNas)


def test_url_with_escapes(tmp_path: Path) -> None:
    """Escapes in a file URL are decoded."""
    (tmp_path / "my share" / "a").mkdir(parents=True)
    nas = open_nas(Settings(nas_url=(tmp_path / "my share").as_uri()))
    assert ["a"] == [folder.name for folder in nas.list_folders()]


@pytest.mark.parametrize(
    "url",
    [
        "synology+https://nas:5001/share/a%20b",
        "synology+http://[::1]:5000/share/",
        "synology+https://nas:1/s",
    ],
)
def test_url_of_a_synology_share(url: str) -> None:
    """A synology URL names host, port and folder; no request is sent to the host yet."""
    assert isinstance(open_nas(Settings(nas_url=url, **ACCOUNT)), SynologyNas)


@pytest.mark.parametrize(
    "url",
    [
        "/mnt/nas",
        "smb://host/share",
        "file://host/share",
        "file://",
        "nas",
        "synology://nas:5001/share",
        "synology+https://nas/share",
        "synology+https://nas:5001/",
        "synology+https://nas:port/share",
        "synology+https://:5001/share",
        "synology+https://[nas:5001/share",
        f"synology+https://poller:{SECRET}@nas:5001/share",
        f"synology+https://nas:5001/share?passwd={SECRET}",
    ],
)
def test_other_urls_are_wrong_settings(url: str) -> None:
    """Any other URL is a wrong setting; the error does not contain its value."""
    with pytest.raises(SettingsError, match="DCM2SET_NAS_URL is wrong") as caught:
        open_nas(Settings(nas_url=url, **ACCOUNT))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["nas_user", "nas_password"])
def test_missing_account(name: str) -> None:
    """A Synology NAS needs an account; the error names the missing setting."""
    account = {key: value for key, value in ACCOUNT.items() if key != name}
    with pytest.raises(SettingsError, match=f"DCM2SET_{name.upper()} is not set"):
        open_nas(Settings(nas_url="synology+https://nas:5001/share", **account))


def test_ca_file_that_can_t_be_read(tmp_path: Path) -> None:
    """A CA file that is missing or not a PEM file is a wrong setting."""
    (tmp_path / "no.pem").write_text("no")
    for name in ("no.pem", "missing.pem"):
        with pytest.raises(SettingsError, match="DCM2SET_NAS_CA_FILE"):
            open_nas(Settings(nas_url="synology+https://n:1/s", nas_ca_file=tmp_path / name, **ACCOUNT))
