"""The page on real rows, with signed-in clients of each role."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from common.database import Database
from common.settings import load_settings
from functions.review.access.ports import Ports
from functions.review.access.rights import csrf_token
from functions.review.page import create_page
from functions.review.pictures.held_pictures import HeldPictures
from tests.in_memory.object_store import InMemoryObjectStore


@dataclass
class SignedIn:
    """A client with a session."""

    client: FlaskClient
    csrf: str

    def get(self, path: str, **options: Any) -> Any:
        """The answer to a GET."""
        return self.client.get(path, **options)

    def post(self, path: str, **fields: Any) -> Any:
        """The answer to a form of a page of this session."""
        return self.client.post(path, data={"csrf_token": self.csrf, **fields})


@dataclass
class PageBench:
    """The page's application on a database and a store in memory."""

    database: Database
    store: InMemoryObjectStore
    application: Flask

    @classmethod
    def on(cls, database: Database, **settings: Any) -> "PageBench":
        """The page on a migrated database."""
        store, config = InMemoryObjectStore(), load_settings(**settings)
        application = create_page(Ports(store, database, config, HeldPictures(store, config)))
        application.testing = False
        return cls(database, store, application)

    def close(self) -> None:
        """End the processes that draw held files."""
        self.application.extensions["dcm2set"].held_pictures.close()

    def sign_in(self, *roles: str, name: str = "nurse") -> SignedIn:
        """A client of a user with these roles."""
        token = secrets.token_urlsafe(16)
        self.database.run(
            "insert into page_session (token_hash, who, roles, issuer) "
            "values (%(hash)s, %(name)s, %(roles)s, %(issuer)s)",
            issuer=self.application.extensions["dcm2set"].settings.oidc_issuer or "",
            hash=hashlib.sha256(token.encode()).digest(),
            name=name,
            roles=list(roles) or ["viewer"],
        )
        client = self.application.test_client()
        client.set_cookie("dcm2set", token)
        return SignedIn(client, csrf_token(token))
