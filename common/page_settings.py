"""The settings of the page: its address, its sessions, and how its users sign in."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

Role = Literal["viewer", "reviewer", "operator"]


class PageSettings(BaseSettings):
    """A part of `common.settings.Settings`."""

    page_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s]+$",
        description="address of the page for browsers, such as https://dcm2set.hospital.example; "
        "with https, cookies are sent over TLS only",
    )
    page_idle_minutes: float = Field(
        30, gt=0, description="a session of the page ends when idle for this time"
    )
    page_session_hours: float = Field(10, gt=0, description="longest time of a session of the page")
    undo_seconds: float = Field(
        10, gt=0, description="a decision on the page is carried out after this time, and undone until then"
    )
    oidc_issuer: str | None = Field(
        None, description="URL of the OpenID Connect provider; without it, the page has local accounts"
    )
    oidc_client_id: str | None = Field(None, description="client id of the page at that provider")
    oidc_client_secret: SecretStr | None = Field(None, description="client secret of the page there")
    oidc_roles_claim: str = Field("groups", description="claim of the ID token with a user's groups")
    oidc_roles: dict[str, list[Role]] = Field(
        default_factory=dict, description="roles by group, as JSON: viewer, reviewer, operator"
    )
    oidc_ca_file: Path | None = Field(
        None, description="PEM file of the CA that verifies the provider; otherwise the system's CAs"
    )
