"""Connections to other machines without TLS are refused, unless a setting allows them."""

import pytest

from common.errors import SettingsError
from common.settings import Settings, load_settings
from common.tls import is_loopback, plaintext_faults, require_tls, tls_context

pytestmark = pytest.mark.usefixtures("without_env_file")

LOCAL = ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "::1", "[::1]", ""]
REMOTE = [
    "10.0.0.7",
    "0.0.0.0",
    "minio",
    "store.hospital.example",
    "localhost.example",
    "2001:db8::1",
    "127.0.0.1.x",
]


def _settings(**given: object) -> Settings:
    return load_settings(**given)


@pytest.mark.parametrize("host", LOCAL)
def test_loopback(host: str) -> None:
    """These hosts are this machine."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", REMOTE)
def test_another_machine(host: str) -> None:
    """These hosts are, or may be, another machine."""
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("minio_endpoint", "10.0.0.7:9000"),
        ("minio_endpoint", "minio:9000"),
        ("minio_endpoint", "[2001:db8::1]:9000"),
        ("database_url", "postgresql://u:Marker@db.example/x"),
        ("database_url", "postgresql://u:Marker@db.example/x?sslmode=prefer"),
        ("database_url", "postgresql://u:Marker@127.0.0.1,db.example/x"),
        ("database_url", "host=127.0.0.1 hostaddr=10.0.0.7 password=Marker"),
        ("function_urls", {"extract": "http://extract.example/"}),
        ("function_urls", {"extract": "http://127.0.0.1:1/", "quality": "HTTP://10.0.0.7/"}),
    ],
)
def test_plain_text_to_another_machine_is_refused(field: str, value: object) -> None:
    """The error names the variable and the remedy, but no part of its value; a setting allows it."""
    with pytest.raises(SettingsError, match="without TLS") as caught:
        require_tls(_settings(**{field: value}), field)
    assert "DCM2SET_ALLOW_PLAINTEXT" in str(caught.value)
    assert not {"Marker", "10.0.0.7", "example"} & set(str(caught.value).replace("/", " ").split())
    allowed = _settings(**{field: value}, allow_plaintext=True)
    require_tls(allowed, field)
    assert plaintext_faults(allowed)  # doctor still reports it


@pytest.mark.parametrize(
    "given",
    [
        {"minio_endpoint": "127.0.0.1:9000"},
        {"minio_endpoint": "[::1]:9000"},
        {"minio_endpoint": "store.example:443", "minio_secure": True},
        {"database_url": "postgresql://u:p@127.0.0.1:5432/x"},
        {"database_url": "postgresql:///x"},
        {"database_url": "host=/var/run/postgresql dbname=x"},
        {"database_url": "postgresql://u:p@db.example/x?sslmode=verify-full&sslrootcert=/ca.pem"},
        {"database_url": "postgresql://u:p@db.example/x?sslmode=require"},
        {"database_url": "no url at all"},
        {"function_urls": {"extract": "https://extract.example/", "quality": "http://127.0.0.1:1/"}},
        {},
    ],
)
def test_this_machine_and_tls_pass(given: dict) -> None:
    """Loopback needs no TLS, and with TLS every machine is allowed."""
    assert {} == plaintext_faults(_settings(**given))
    for field in ("minio_endpoint", "database_url", "function_urls"):
        require_tls(_settings(**given), field)


def test_a_wrong_ca_file_is_named(tmp_path) -> None:
    """A CA file that is missing or not a PEM file is a wrong setting."""
    wrong = tmp_path / "ca.pem"
    for _ in range(2):
        with pytest.raises(SettingsError, match="DCM2SET_MINIO_CA_FILE is wrong"):
            tls_context(wrong, "minio_ca_file")
        wrong.write_text("no certificate")
