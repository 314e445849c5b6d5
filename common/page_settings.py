"""The settings of the page: its address, its sessions, and how its users sign in."""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

Role = Literal["viewer", "reviewer", "operator"]
_ADDRESS = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?/?")


class PageSettings(BaseSettings):
    """A part of `common.settings.Settings`."""

    page_url: str | None = Field(
        None,
        description="address of the page for browsers, such as https://dcm2set.hospital.example; "
        "with https, cookies are sent over TLS only",
    )
    page_idle_minutes: float = Field(
        30, gt=0, description="a session of the page ends when it is idle for this time"
    )
    page_session_hours: float = Field(10, gt=0, description="longest time of a session of the page")
    undo_seconds: float = Field(
        10,
        gt=0,
        description="a decision on the page is carried out after this time, and can be undone until then",
    )
    oidc_issuer: str | None = Field(
        None, description="URL of the OpenID Connect provider; without it, the page has local accounts"
    )
    oidc_client_id: str | None = Field(None, description="client id of the page at that provider")
    oidc_client_secret: SecretStr | None = Field(
        None, description="client secret of the page at that provider"
    )
    oidc_name_claim: str = Field(
        "preferred_username", description="claim of the ID token with a user's name, for the audit"
    )
    oidc_roles_claim: str = Field("groups", description="claim of the ID token with a user's groups")
    oidc_roles: dict[str, list[Role]] = Field(
        default_factory=dict, description="roles by group, as JSON: viewer, reviewer, operator"
    )
    oidc_ca_file: Path | None = Field(
        None, description="PEM file of the CA that verifies the provider; otherwise the system's CAs"
    )

    @field_validator("page_url")
    @classmethod
    def _as_browsers_write_it(cls, value: str | None) -> str | None:
        """In small letters, without the port that the scheme has anyway."""
        if value is None:
            return None
        if not _ADDRESS.fullmatch(value.lower()) or urlsplit(value).port == 0:  # .port raises for over 65535
            raise ValueError("expected an address without a path, such as https://dcm2set.hospital.example")
        scheme, netloc = urlsplit(value.lower())[:2]
        return f"{scheme}://{netloc.removesuffix(':443' if scheme == 'https' else ':80')}"
