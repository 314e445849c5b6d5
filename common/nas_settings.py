"""The settings of the NAS, and of the copying of its files."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class NasSettings(BaseSettings):
    """A part of `common.settings.Settings`."""

    nas_url: str | None = Field(
        None, description="file:///path of the mounted share, or synology+https://host:5001/share/path"
    )
    nas_user: str | None = Field(None, description="Synology account that reads the share")
    nas_password: SecretStr | None = Field(None, min_length=1, description="password of that account")
    nas_otp_code: SecretStr | None = Field(
        None, description="one-time code, if the account needs one to sign in"
    )
    nas_device_id: SecretStr | None = Field(
        None, description="replaces the one-time code; printed by dcm2set nas trust"
    )
    nas_ca_file: Path | None = Field(
        None, description="PEM file of the CA that verifies the NAS; otherwise the system's CAs"
    )
    nas_timeout_seconds: float = Field(
        60, gt=0, description="a request to a Synology NAS fails after this time without a byte"
    )
    nas_check_md5: bool = Field(
        False, description="compare each file from a Synology NAS with the MD5 that the NAS computes of it"
    )
    nas_processed_mark: str = Field(
        "<name>_processed",
        pattern=r"^([^/<>]+|[^/<>]+<name>[^/<>]*|[^/<>]*<name>[^/<>]+)$",
        description="new name of a processed folder; none: nothing on the NAS is changed",
    )
    nas_quiet_seconds: float = Field(
        10, ge=0, description="a folder is copied after two equal listings at least this far apart"
    )
    nas_poll_seconds: float = Field(30, gt=0, description="interval of the timer of poll_nas")
    nas_poll_budget_seconds: float = Field(
        600, gt=0, description="longest time of one poll; the next poll continues with the remaining folders"
    )
    nas_copies: int = Field(8, ge=1, le=32, description="files copied at a time")
    nas_archive_files: int = Field(20_000, ge=1, description="a .zip archive with more files is not unpacked")
    nas_archive_megabytes: int = Field(
        4096, ge=1, description="a .zip archive that is larger, packed or unpacked, is not unpacked"
    )
