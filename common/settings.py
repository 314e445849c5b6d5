"""The settings: environment variables with the prefix DCM2SET_, and a .env file."""

import math
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic_settings
from pydantic import AfterValidator, AliasChoices, Field, SecretStr, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from common.errors import SettingsError
from common.tokens import EXPECTED_FORM, TOKEN


def _is_32_bytes(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value.get_secret_value()):
        raise ValueError("expected 64 hexadecimal digits (32 bytes)")
    return value


def _is_token(value: SecretStr) -> SecretStr:
    if not TOKEN.fullmatch(value.get_secret_value()):
        raise ValueError(f"expected {EXPECTED_FORM}")
    return value


def _has_width(window: tuple[float, float]) -> tuple[float, float]:
    if not (all(math.isfinite(value) for value in window) and window[1] >= 1):
        raise ValueError("expected [centre, width], in modality units, of a width of 1 or more")
    return window


Token = Annotated[SecretStr, AfterValidator(_is_token)]
Hex32 = Annotated[SecretStr, AfterValidator(_is_32_bytes)]
BucketPrefix = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
Window = Annotated[tuple[float, float], AfterValidator(_has_width)]


class Settings(BaseSettings):
    """Everything that can be set; what a function does not use may be absent.

    No secret has a default: a function that needs one says which is missing and answers 503.
    """

    model_config = SettingsConfigDict(
        env_prefix="DCM2SET_", env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    token: Token | None = Field(None, description="what callers send as Bearer token")
    token_before: Token | None = Field(
        None, description="the token before it, accepted too while it is rotated"
    )
    token_file: Path | None = Field(
        None, description="file with a token in each line, the one in force first; read again when it changes"
    )
    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DCM2SET_DATABASE_URL", "DATABASE_URL"),
        description="PostgreSQL 13 or newer; without it the local runner starts its own",
    )
    minio_endpoint: str | None = Field(None, description="host:port of the object store")
    minio_access_key: str | None = Field(None, description="the function's own user of the object store")
    minio_secret_key: SecretStr | None = Field(None, description="and its password")
    minio_secure: bool = Field(False, description="TLS to the object store")
    minio_ca_file: Path | None = Field(
        None, description="PEM file of the CA it is verified by; else the system's"
    )
    functions_ca_file: Path | None = Field(
        None,
        description="PEM file of the CA that the functions' https URLs are verified by; else the system's",
    )
    allow_plaintext: bool = Field(
        False, description="reach other machines without TLS: only where the network itself is encrypted"
    )
    store_seconds: float = Field(60, gt=0, description="without a byte from the object store")
    database_seconds: float = Field(30, gt=0, description="for one answer of the database")

    pseudonym_key: Hex32 | None = Field(None, description="32 bytes in hex; another key, other pseudonyms")
    deidentification_profile: Path | None = Field(
        None, description="TOML file with other options than the default profile's"
    )
    burned_in_text: Literal["hold", "pass"] = Field(
        "hold", description="what happens to pictures that may show a patient's name"
    )
    blanking_rules: Path | None = Field(
        None, description="TOML file of rectangles to be made black, by device"
    )
    read_released_pictures: bool = Field(
        True,
        description="where tesseract is installed, a released picture is searched for the patient's words",
    )
    images_prefix: BucketPrefix = Field(
        "images-", description="image buckets are named by it and the UTC time"
    )
    images_per_bucket: int = Field(400, ge=1, description="no image bucket ever holds more")
    png_bits: Literal[8, 16] = Field(8, description="16: grey PNGs hold modality values, not windowed ones")
    windows: dict[str, Window] = Field(
        default_factory=dict, description="by modality, centre and width instead of each file's own"
    )
    max_pixels_per_frame: int = Field(50_000_000, ge=1, description="a larger frame is quarantined")
    max_frames: int = Field(10_000, ge=1, description="a file with more frames is quarantined")

    max_megabytes_per_file: int = Field(2048, ge=1, description="a larger file is quarantined unread")
    seconds_per_file: float = Field(
        300, gt=0, description="a file that takes more work, or stands still longer, is quarantined"
    )
    megabytes_per_file: int = Field(768, ge=64, description="memory for drawing one file")

    black_mean: float = Field(3.0, ge=0, le=255, description="a darker mean grey level is black")
    quality_threshold: float | None = Field(
        None, gt=0, lt=1, description="probability of being bad from which an image is; else the model's own"
    )
    model_path: Path | None = Field(None, description="another quality model than the shipped one")

    label_rule: Literal["last", "majority", "any", "all"] = Field(
        "last", description="how one label comes of what several annotators said"
    )
    label_uncertain: Literal["keep", "0", "1", "missing"] = Field(
        "keep", description="what becomes of a label that is uncertain then: stays -1, 0, 1, or none at all"
    )
    label_vocabulary: Path | None = Field(
        None, description="TOML file of the known labels; without it every label is taken"
    )
    label_max_megabytes: int = Field(2048, ge=1, description="a larger label file is quarantined unread")

    nas_url: str | None = Field(
        None, description="file:///path of the mounted share, or synology+https://host:5001/share/path"
    )
    nas_user: str | None = Field(None, description="the Synology account that reads the share")
    nas_password: SecretStr | None = Field(None, min_length=1, description="and its password")
    nas_otp_code: SecretStr | None = Field(None, description="one-time code, if the account asks for one")
    nas_device_id: SecretStr | None = Field(
        None, description="stands for the one-time code; dcm2set nas trust gives it"
    )
    nas_ca_file: Path | None = Field(None, description="PEM file of the hospital's own CA; else the system's")
    nas_timeout_seconds: float = Field(60, gt=0, description="without a byte from a Synology NAS")
    nas_copies: int = Field(4, ge=1, le=32, description="files copied at a time")
    nas_read_only: bool = Field(
        False, description="write nothing on the NAS, as DCM2SET_NAS_PROCESSED_MARK=none"
    )
    nas_processed_mark: str = Field(
        "<name>_processed",
        pattern=r"^([^/<>]+|[^/<>]+<name>[^/<>]*|[^/<>]*<name>[^/<>]+)$",
        description="what a processed folder is named; none: no folder is renamed",
    )
    nas_quiet_seconds: float = Field(10, ge=0, description="least time between the two equal looks")
    nas_poll_seconds: float = Field(30, gt=0, description="interval of the timer of poll_nas")
    nas_poll_budget_seconds: float = Field(
        600, gt=0, description="after so long a poll ends; the next goes on with the folders it did not reach"
    )
    nas_recheck_folders: int = Field(
        10, ge=0, description="processed folders looked into again in each poll, the longest ago first"
    )
    nas_archive_files: int = Field(20_000, ge=1, description="a .zip archive of more files is not unpacked")
    nas_archive_megabytes: int = Field(
        4096, ge=1, description="a .zip archive that is larger, packed or unpacked, is not unpacked"
    )

    function_urls: dict[str, str] = Field(default_factory=dict, description="where sweep finds the others")
    sweep_seconds: float = Field(2, gt=0, description="interval of the timer of sweep")
    sweep_grace_seconds: float = Field(10, ge=0, description="younger objects are left to their event")
    sweep_limit: int = Field(1000, ge=1, description="events re-sent in one sweep")
    sweep_concurrency: int = Field(4, ge=1, description="events re-sent at a time to each function")
    workers: int | None = Field(
        None, ge=1, description="processes of each function that takes events; else by the processors"
    )
    due_seconds: float = Field(
        1, gt=0, description="a function that is asked for what is due works so long before it answers"
    )
    at_a_time: int = Field(2, ge=1, description="events worked on at a time in one process")
    patience_seconds: float = Field(
        10, ge=0, description="a rush of events lasting longer is left to the sweep, so others get through"
    )
    lease_seconds: float = Field(60, gt=0, description="after so long a lost worker's item is free again")
    retry_seconds: float = Field(
        5, ge=0, description="first wait after a passing failure; up to 32 times that"
    )
    max_crashes: int = Field(3, ge=1, description="after so many lost workers an item is quarantined")
    attempt_days: float = Field(
        90, gt=0, description="the details of attempts that were not an item's last are kept so long"
    )

    def required(self, name: str) -> str:
        """The text of a setting this function can't do without, secrets included.

        Raises SettingsError naming the environment variable if it is absent.
        """
        value: Any = getattr(self, name)
        if value is None:
            raise SettingsError(f"{variable_name(name)} is not set.")
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def variable_name(field: str) -> str:
    """The environment variable of a settings field."""
    return "DATABASE_URL" if field == "database_url" else f"DCM2SET_{field.upper()}"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; a wrong one is named in one line, without its value."""
    try:
        return Settings(**overrides)
    except pydantic_settings.SettingsError as error:
        found = re.search(r'field "(\w+)"', str(error))
        name = variable_name(found[1]) if found else "A setting"
        raise SettingsError(f"{name} is wrong: expected JSON.") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = str(first["loc"][0])
        name = field if field.isupper() else variable_name(field.lower())
        raise SettingsError(f"{name} is wrong: {first['msg']}.") from None


@cache
def settings() -> Settings:
    """The process's settings, read once."""
    return load_settings()
