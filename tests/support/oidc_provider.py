"""A real OpenID Connect provider on this machine, whose tokens a test may alter."""

import json
import threading
import warnings
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import urllib3
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oidc_provider_mock

Claims = dict[str, Any]
ROLES = {"readers": ["viewer"], "radiology": ["reviewer"], "it": ["operator"]}


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Nothing goes to standard error."""


@dataclass
class OidcProvider:
    """The provider; its tokens are signed again with `key`, after `alter` has changed them."""

    issuer: str = ""
    name: str | None = None  # that it publishes, if that is not the issuer
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}))
    alter: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[["OidcProvider", Claims], str] = lambda self, claims: self.signed(claims)
    exchanges: list[Claims] = field(default_factory=list)  # what was sent for a code
    reads: list[str] = field(default_factory=list)  # paths

    def signed(self, claims: Claims) -> str:
        """An ID token with these claims."""
        return jwt.encode({"alg": "RS256", "kid": str(self.key.kid)}, claims, self.key)

    def add_user(self, subject: str, **claims: object) -> None:
        """Let a user sign in."""
        answer = urllib3.request("PUT", f"{self.issuer}/users/{subject}", json=claims)
        assert 204 == answer.status

    def sign_in(self, address: str, subject: str) -> str:
        """Sign in at the address to which a browser was sent; returns the one to which it is sent back."""
        answer = urllib3.request("POST", address, fields={"sub": subject}, redirect=False)
        assert 302 == answer.status, answer.data
        return answer.headers["Location"]

    def wrapped(self, application: Any) -> Any:
        """The WSGI application of the provider with other keys and tokens."""

        def answer(environ: Claims, start_response: Any) -> Any:
            path = environ["PATH_INFO"]
            self.reads.append(path)
            if path == "/oauth2/token":
                return self._token(application, environ, start_response)
            if path == "/jwks":
                return _json({"keys": [self.key.as_dict(private=False)]}, start_response)
            if self.name:
                return _json({"issuer": self.name}, start_response)
            return application(environ, start_response)

        return answer

    def _token(self, application: Any, environ: Claims, start_response: Any) -> Any:
        sent = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        self.exchanges.append({name: value for name, (value,) in parse_qs(sent.decode()).items()})
        told: list[Any] = []

        def keep(status: str, headers: Any, *_: Any) -> None:
            told[:] = [status, headers]

        body = b"".join(application(environ | {"wsgi.input": BytesIO(sent)}, keep))
        status, headers = told
        found = json.loads(body)
        if "id_token" in found:
            payload = found["id_token"].split(".")[1]
            claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            found["id_token"] = self.sign(self, self.alter(claims))
            body = json.dumps(found).encode()
        start_response(status, [pair for pair in headers if pair[0].lower() != "content-length"])
        return [body]


def _json(value: object, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(value).encode()]


@contextmanager
def running_provider() -> Iterator[OidcProvider]:
    """Run the provider on a free port until the end of the block."""
    provider = OidcProvider()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        application = oidc_provider_mock.app()
    with served(provider.wrapped(application), "localhost") as issuer:
        provider.issuer = issuer
        yield provider


@contextmanager
def served(application: Any, host: str) -> Iterator[str]:
    """Serve a WSGI application on a free port until the end of the block; gives its address."""
    server = make_server(host, 0, application, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def query_of(address: str) -> dict[str, str]:
    """The query of an address."""
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def begin(client: FlaskClient) -> str:
    """The address at the provider."""
    answer = client.get("/oidc/start")
    assert 303 == answer.status_code
    return answer.headers["Location"]


def back(client: FlaskClient, address: str) -> Any:
    """The answer of the page when the provider sends the browser back."""
    parts = urlsplit(address)
    assert "localhost" == parts.netloc
    return client.get(f"{parts.path}?{parts.query}")


def signed_in(client: FlaskClient, provider: OidcProvider, subject: str = "17") -> Any:
    return back(client, provider.sign_in(begin(client), subject))
