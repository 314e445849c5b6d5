"""Settings: errors name a missing or wrong setting in one line, without its value."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from common import wiring
from common.errors import SettingsError
from common.settings import load_settings, settings

SECRET = "Marker-of-a-secret"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Remove the developer's variables and .env file."""
    import os

    for name in list(os.environ):
        if name.startswith("DCM2SET_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_have_no_secret() -> None:
    """Without any variable, limits have defaults and secrets have none."""
    config = load_settings()
    assert 400 == config.images_per_bucket
    for name in ("token", "database_url", "minio_endpoint", "minio_secret_key", "pseudonym_key", "nas_url"):
        assert getattr(config, name) is None


def test_variables_and_env_file_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Variables have the prefix DCM2SET_; a variable takes precedence over .env."""
    (tmp_path / ".env").write_text("DCM2SET_IMAGES_PER_BUCKET=7\nDCM2SET_MAX_FRAMES=9\nOTHER=1\n")
    monkeypatch.setenv("DCM2SET_IMAGES_PER_BUCKET", "5")
    config = load_settings()
    assert (5, 9) == (config.images_per_bucket, config.max_frames)


@pytest.mark.parametrize("name", ["DATABASE_URL", "DCM2SET_DATABASE_URL"])
def test_database_url_has_two_names(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Hosting services set DATABASE_URL; DCM2SET_DATABASE_URL takes precedence over it."""
    monkeypatch.setenv(name, "postgresql://x")
    assert "postgresql://x" == load_settings().required("database_url")


@pytest.mark.parametrize(
    ("field", "variable"),
    [
        ("token", "DCM2SET_TOKEN"),
        ("database_url", "DATABASE_URL"),
        ("minio_endpoint", "DCM2SET_MINIO_ENDPOINT"),
        ("pseudonym_key", "DCM2SET_PSEUDONYM_KEY"),
        ("nas_url", "DCM2SET_NAS_URL"),
    ],
)
def test_missing_setting_is_named(field: str, variable: str) -> None:
    """The error for a missing setting names its variable."""
    with pytest.raises(SettingsError) as caught:
        load_settings().required(field)
    assert f"{variable} is not set." == str(caught.value)


@pytest.mark.parametrize("field", ["token", "minio_endpoint", "minio_access_key", "database_url", "nas_url"])
def test_empty_setting_counts_as_missing(monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """An empty variable, as compose files set it, counts as missing."""
    variable = "DATABASE_URL" if field == "database_url" else f"DCM2SET_{field.upper()}"
    monkeypatch.setenv(variable, "")
    with pytest.raises(SettingsError, match=variable):
        load_settings().required(field)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DCM2SET_TOKEN", "short-Marker"),
        ("DCM2SET_PSEUDONYM_KEY", SECRET),
        ("DCM2SET_PSEUDONYM_KEY", "ab" * 31),
        ("DCM2SET_IMAGES_PER_BUCKET", "0"),
        ("DCM2SET_IMAGES_PER_BUCKET", SECRET),
        ("DCM2SET_IMAGES_PREFIX", "Upper-Marker"),
        ("DCM2SET_BURNED_IN_TEXT", SECRET),
        ("DCM2SET_LEASE_SECONDS", "-1"),
        ("DCM2SET_RETRY_SECONDS", "0"),
        ("DCM2SET_MINIO_SECURE", SECRET),
        ("DCM2SET_NAS_PROCESSED_MARK", "a/Marker"),
        ("DCM2SET_FUNCTION_URLS", SECRET),
        ("DCM2SET_FUNCTION_URLS", '["Marker"]'),
    ],
)
def test_wrong_setting_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """The error for a wrong setting names its variable in one line, without its value."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert message.startswith(f"{variable} is wrong: ")
    assert "Marker" not in message
    assert "\n" not in message


@pytest.mark.parametrize(("threshold", "is_right"), [("0.4", True), ("0.39", False), ("", True)])
def test_review_begins_at_most_at_the_threshold(
    monkeypatch: pytest.MonkeyPatch, threshold: str, is_right: bool
) -> None:
    """A review that would begin above the threshold is refused; the error names both settings."""
    monkeypatch.setenv("DCM2SET_QUALITY_REVIEW_FROM", "0.4")
    monkeypatch.setenv("DCM2SET_QUALITY_THRESHOLD", threshold)
    if is_right:
        assert 0.4 == load_settings().quality_review_from
        return
    with pytest.raises(SettingsError, match=r"^DCM2SET_QUALITY_REVIEW_FROM is .*DCM2SET_QUALITY_THRESHOLD"):
        load_settings()


def test_settings_print_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printed settings show no secret."""
    for name in ("TOKEN", "DATABASE_URL", "MINIO_SECRET_KEY"):
        monkeypatch.setenv(f"DCM2SET_{name}", SECRET)
    monkeypatch.setenv("DCM2SET_PSEUDONYM_KEY", "ab" * 32)
    assert SECRET not in repr(load_settings())
    assert "abab" not in repr(load_settings())


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "127.0.0.1/path", "localhost:port"])
def test_wrong_endpoint_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """An endpoint that is not host:port raises SettingsError when the store is built."""
    for name, value in {"ENDPOINT": endpoint, "ACCESS_KEY": "a", "SECRET_KEY": "b"}.items():
        monkeypatch.setenv(f"DCM2SET_MINIO_{name}", value)
    settings.cache_clear()
    wiring.object_store.cache_clear()
    try:
        with pytest.raises(SettingsError, match="DCM2SET_MINIO_ENDPOINT"):
            wiring.object_store()
    finally:
        settings.cache_clear()
        wiring.object_store.cache_clear()


def test_secrets_are_read_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each file has the name of a variable; variables take precedence, empty and other files do not count."""
    files = {
        "DCM2SET_MINIO_SECRET_KEY": "of-a-file\n",
        "DCM2SET_MINIO_ACCESS_KEY": "of-a-file",
        "DCM2SET_NAS_PASSWORD": "",
        "DCM2SET_FORMER_PSEUDONYM_KEYS": f'["{"ab" * 32}"]',
        "tokens": "no setting",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "..data").mkdir()  # as Kubernetes mounts a Secret
    monkeypatch.setenv("DCM2SET_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("DCM2SET_MINIO_ACCESS_KEY", "of-a-variable")
    config = load_settings()
    found = [config.required(name) for name in ("minio_access_key", "minio_secret_key")]
    assert ["of-a-variable", "of-a-file"] == found
    assert config.nas_password is None
    assert 1 == len(config.former_pseudonym_keys)


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_of_secrets_that_can_not_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """The error names the variable."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("DCM2SET_SECRETS_DIR", str(tmp_path / name))
    with pytest.raises(SettingsError, match="DCM2SET_SECRETS_DIR is wrong"):
        load_settings()


def test_a_file_of_secrets_that_can_not_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The error names the file, and nothing of its content."""
    (tmp_path / "DCM2SET_TOKEN").write_bytes(b"Marker\xff")
    monkeypatch.setenv("DCM2SET_SECRETS_DIR", str(tmp_path))
    with pytest.raises(SettingsError, match="DCM2SET_TOKEN of DCM2SET_SECRETS_DIR") as caught:
        load_settings()
    assert "Marker" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "password"),
    [("postgresql://u@h/d", "p' w\\"), ("postgresql://u:own@h/d", "own"), ("host=h dbname=d", "p' w\\")],
)
def test_the_password_joins_the_url(monkeypatch: pytest.MonkeyPatch, url: str, password: str) -> None:
    """DCM2SET_DATABASE_PASSWORD is put into the URL of the database, unless that has a password."""
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("DCM2SET_DATABASE_PASSWORD", "p' w\\")
    assert password == conninfo_to_dict(load_settings().required("database_url"))["password"]
