"""The settings: environment variables with the prefix DCM2SET_, lines of a .env file, or files of secrets."""

import math
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic_settings
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from common.errors import SettingsError
from common.nas_settings import NasSettings
from common.page_settings import PageSettings
from common.secret_files import SecretFiles
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
        raise ValueError("expected [centre, width] in modality units, with a width of 1 or more")
    return window


def _is_at_most_the_threshold(review_from: float | None, info: ValidationInfo) -> float | None:
    threshold = info.data.get("quality_threshold")
    if review_from is not None and threshold is not None and review_from > threshold:
        raise ValueError("it must be at most DCM2SET_QUALITY_THRESHOLD, from which images are of low quality")
    return review_from


Token = Annotated[SecretStr, AfterValidator(_is_token)]
Hex32 = Annotated[SecretStr, AfterValidator(_is_32_bytes)]
BucketPrefix = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
Window = Annotated[tuple[float, float], AfterValidator(_has_width)]


class Settings(PageSettings, NasSettings):
    """All settings, grouped by who sets them. A function needs only the settings that it uses.

    No secret has a default: a function without a secret that it needs answers 503 and names the setting.
    """

    model_config = SettingsConfigDict(
        env_prefix="DCM2SET_", env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    # Hospital IT: the object store, the database, tokens and TLS.
    secrets_dir: Path | None = Field(
        None,
        description="folder of files with settings, each named as its variable, such as "
        "DCM2SET_MINIO_SECRET_KEY; itself a variable only",
    )
    minio_endpoint: str | None = Field(None, description="host:port of the object store")
    minio_access_key: str | None = Field(None, description="user of the object store, one for each function")
    minio_secret_key: SecretStr | None = Field(None, description="password of that user")
    minio_secure: bool = Field(False, description="use TLS to the object store")
    minio_ca_file: Path | None = Field(
        None, description="PEM file of the CA that verifies the object store; otherwise the system's CAs"
    )
    minio_region: str = Field("us-east-1", description="region for which requests to it are signed")
    store_notifications: bool = Field(
        True,
        description="whether the object store notifies the functions; false: sweep finds all work, by what "
        "is announced and by listing",
    )
    listing_seconds: float = Field(
        2, gt=0, description="without notifications, sweep lists what others may have put at this interval"
    )
    local_store: Literal["minio", "versitygw"] | None = Field(
        None,
        description="object store that the local runner starts in a new home: minio (default), versitygw",
    )
    store_seconds: float = Field(
        60, gt=0, description="a request to the object store fails after this time without a byte"
    )
    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("DCM2SET_DATABASE_URL", "DATABASE_URL"),
        description="PostgreSQL 13 or newer; without it the local runner starts its own server",
    )
    database_password: SecretStr | None = Field(
        None, description="password of the database's user, if DATABASE_URL has none"
    )
    database_seconds: float = Field(
        30, gt=0, description="a statement fails, and ends on the server, without an answer within this time"
    )
    database_prepared_statements: bool = Field(
        True, description="prepare statements; false behind PgBouncer before 1.21 in transaction mode"
    )
    token: Token | None = Field(
        None, description="Bearer token that callers send: 16 or more letters, digits and any of -._~+/"
    )
    token_file: Path | None = Field(
        None,
        description="file of Bearer tokens, one a line; the first is sent, all are accepted; "
        "used instead of DCM2SET_TOKEN, and read again when it changes",
    )
    function_urls: dict[str, str] = Field(
        default_factory=dict, description="URLs of the functions that sweep calls, as JSON"
    )
    function_secrets: Path | None = Field(
        None,
        description="folder with a folder of secrets for each function, from which dcm2set provision gives "
        "the functions their rights",
    )
    functions_ca_file: Path | None = Field(
        None,
        description="PEM file of the CA that verifies the functions' https URLs; otherwise the system's CAs",
    )
    allow_plaintext: bool = Field(
        False, description="allow other machines without TLS; only where the network itself is encrypted"
    )

    # Data engineer: limits and speed of the pipeline.
    images_prefix: BucketPrefix = Field(
        "images-", description="beginning of the names of image buckets; the UTC time follows"
    )
    images_per_bucket: int = Field(400, ge=1, description="greatest number of images in an image bucket")
    max_megabytes_per_file: int = Field(2048, ge=1, description="a larger file is quarantined unread")
    max_pixels_per_frame: int = Field(50_000_000, ge=1, description="a larger frame is quarantined")
    max_frames: int = Field(10_000, ge=1, description="a file with more frames is quarantined")
    seconds_per_file: float = Field(
        300, gt=0, description="a file is quarantined if extract works or waits on it for longer"
    )
    megabytes_per_file: int = Field(768, ge=64, description="memory that extract may use for one file")
    workers: int | None = Field(
        None, ge=1, description="processes of each function that takes events; otherwise by the processors"
    )
    at_a_time: int = Field(2, ge=1, description="events that one process works on at a time")
    lease_seconds: float = Field(
        60, gt=0, description="another worker may take an item if its lease was not extended for this time"
    )
    retry_seconds: float = Field(
        5, gt=0, description="first wait after a temporary failure; each wait doubles, up to 32 times this"
    )
    sweep_seconds: float = Field(2, gt=0, description="interval of the timer of sweep")
    reconcile_seconds: float = Field(
        30,
        ge=0,
        description="sweep compares up to 1,500 objects with their rows at this interval; 0: never",
    )
    label_max_megabytes: int = Field(2048, ge=1, description="a larger label file is quarantined unread")

    # Radiologist or researcher: pictures, quality and labels.
    png_bits: Literal[8, 16] = Field(
        8, description="8, or 16: grey PNGs hold modality values instead of windowed grey levels"
    )
    windows: dict[str, Window] = Field(
        default_factory=dict,
        description='window centre and width by modality, as JSON, for example {"CT": [40, 400]}; '
        "otherwise each file's own",
    )
    black_mean: float = Field(
        3.0, ge=0, le=255, description="an image with a lower mean grey level counts as black"
    )
    quality_threshold: float | None = Field(
        None, gt=0, lt=1, description="score from which an image is of low quality; otherwise the model's"
    )
    quality_review_from: Annotated[float | None, AfterValidator(_is_at_most_the_threshold)] = Field(
        None,
        gt=0,
        lt=1,
        description="score from which an image waits for a person's review, at most "
        "DCM2SET_QUALITY_THRESHOLD; otherwise the model's",
    )
    model_path: Path | None = Field(None, description="file of another quality model than the built-in one")
    label_rule: Literal["last", "majority", "any", "all"] = Field(
        "last", description="how the labels of several annotators become one label: last, majority, any, all"
    )
    label_uncertain: Literal["keep", "0", "1", "missing"] = Field(
        "keep", description="what an uncertain label becomes: keep (-1), 0, 1, or missing (no label)"
    )
    label_vocabulary: Path | None = Field(
        None,
        description="TOML file of the known labels; without it, labels of words of radiology are accepted",
    )

    label_columns: list[str] = Field(
        [],
        description='columns of wide label tables that are labels, as JSON, for example ["Edema", '
        '"Fracture"]; '
        "otherwise by the vocabulary or their values",
    )

    # Radiologist or researcher: what the cards of new training sets state.
    set_licence: str | None = Field(
        None, description="under which licence a training set may be used; also dcm2set export --licence"
    )
    set_ethics: str | None = Field(
        None, description="reference of the consent or of the vote of the ethics committee; also --ethics"
    )
    set_intended_use: str | None = Field(
        None, description="what a training set is meant for; also --intended-use"
    )
    set_limits: str | None = Field(
        None, description="what a training set must not be used for, or can't show; also --limits"
    )

    # Privacy officer: de-identification.
    pseudonym_key: Hex32 | None = Field(
        None, description="32 bytes in hex; another key gives other pseudonyms, so a home refuses it"
    )
    former_pseudonym_keys: list[Hex32] = Field(
        [], description="keys of earlier pseudonym spaces, as a JSON list; patients erased there stay erased"
    )
    deidentification_profile: Path | None = Field(
        None, description="reader, or a TOML file with options that differ from the default profile"
    )
    burned_in_text: Literal["hold", "pass"] = Field(
        "hold", description="whether pictures that may show a patient's name are held (hold), or pass (pass)"
    )
    blanking_rules: Path | None = Field(None, description="TOML file of rectangles to make black, by device")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 replaced by SecretFiles
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the one that takes precedence first."""
        return init_settings, env_settings, dotenv_settings, SecretFiles(settings_cls)

    @model_validator(mode="after")
    def _with_password(self) -> "Settings":
        """Put the password into the database's URL, unless that has one."""
        if self.database_url and self.database_password:
            url = self.database_url.get_secret_value()
            with suppress(ProgrammingError):  # connecting will fail and report it
                if "password" not in conninfo_to_dict(url):
                    password = self.database_password.get_secret_value()
                    self.database_url = SecretStr(make_conninfo(url, password=password))
        return self

    def required(self, name: str) -> str:
        """The text of a setting that a function needs, also of a secret.

        Raises SettingsError, which names the environment variable, if the setting is absent.
        """
        value: Any = getattr(self, name)
        if value is None:
            raise SettingsError(f"{variable_name(name)} is not set.")
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def variable_name(field: str) -> str:
    """The environment variable of a settings field."""
    return "DATABASE_URL" if field == "database_url" else f"DCM2SET_{field.upper()}"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings. Raises SettingsError, which names a wrong setting without its value."""
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
    """The settings of this process, read once."""
    return load_settings()
