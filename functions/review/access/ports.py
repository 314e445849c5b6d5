"""What the page works with, built once per process."""

from dataclasses import dataclass
from functools import cached_property
from typing import cast

from flask import current_app

from common.database import Database
from common.settings import Settings
from common.store.object_store import ObjectStore
from functions.review.pictures.held_pictures import HeldPictures
from functions.review.pictures.small_pictures import SmallPictures
from oversight.accounts.provider import Provider

_NAME = "dcm2set"


@dataclass(frozen=True)
class Ports:
    """The object store, the database, the settings, and the process that draws held files."""

    store: ObjectStore
    database: Database
    settings: Settings
    held_pictures: HeldPictures

    @cached_property
    def provider(self) -> Provider | None:
        """The OpenID Connect provider; None where the page has local accounts."""
        return None if self.settings.oidc_issuer is None else Provider(self.settings)

    @cached_property
    def small_pictures(self) -> SmallPictures:
        """Small pictures of de-identified images."""
        return SmallPictures(self.settings.max_pixels_per_frame)

    def attach(self, extensions: dict[str, object]) -> None:
        """Make these the ports of a Flask application, by its `extensions`."""
        extensions[_NAME] = self


def ports() -> Ports:
    """The ports of the application that answers the current request."""
    return cast("Ports", current_app.extensions[_NAME])
