"""The OpenID Connect provider: what it publishes, where users sign in, and who has signed in there."""

import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson
import urllib3
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from common.errors import DependencyAwayError, PermanentError, SettingsError
from common.settings import Settings
from common.tls import require_tls, tls_context

ALGORITHMS = ("RS256", "ES256")  # of signatures; others, such as none and HS256, are refused
_KEPT_SECONDS = 3600.0  # what the provider publishes
_FEWEST_SECONDS = 60.0  # between two readings of its keys, whatever key a token names
_LEEWAY_SECONDS = 60  # between the clocks of the two machines
_MOST_BYTES = 1024 * 1024  # of an answer
_MOST_LETTERS = 100  # of a name
_AWAY = "The OpenID Connect provider does not answer; see DCM2SET_OIDC_ISSUER."
_UNTRUSTED = "The provider's certificate is not trusted; see DCM2SET_OIDC_CA_FILE."
_WRONG = "The OpenID Connect provider's answer is wrong"


@dataclass(frozen=True)
class Attempt:
    """One attempt to sign in: a random token in the browser's cookie, from which its secrets are derived."""

    token: str

    @property
    def state(self) -> str:
        """Comes back with the browser, and shows that the attempt was begun in it."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """Comes back in the ID token, and shows that it was made for this attempt."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Goes to the provider with the code, and shows that the code was given for this attempt."""
        return self._derived("verifier")

    def _derived(self, purpose: str) -> str:
        digest = hashlib.sha256(f"{purpose} {self.token}".encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class Identity:
    """Who has signed in at the provider."""

    name: str
    subject: str  # the provider's own key of the user, which never changes
    roles: tuple[str, ...]


class Provider:
    """The provider in the settings; what it publishes is kept for an hour. Safe to share between threads.

    Methods raise DependencyAwayError if it does not answer, and PermanentError if its answer is wrong.
    """

    def __init__(self, settings: Settings) -> None:
        require_tls(settings, "oidc_issuer")
        self._settings, self._issuer = settings, settings.required("oidc_issuer").rstrip("/")
        self._client = settings.required("oidc_client_id")
        self._pool = urllib3.PoolManager(
            timeout=10, retries=False, ssl_context=tls_context(settings.oidc_ca_file, "oidc_ca_file")
        )
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}
        self._lock = Lock()

    @property
    def issuer(self) -> str:
        """The provider's name of itself, which its tokens contain."""
        return str(self._document()["issuer"])

    def check(self) -> str:
        """Try whether the provider answers, and has keys; tells what was found."""
        return f"answers, with {len(self._keys(_KEPT_SECONDS).keys)} key(s) for signatures"

    def address(self, attempt: Attempt, callback: str) -> str:
        """The address at the provider to which a browser goes to sign in."""
        return str(
            prepare_grant_uri(
                self._document()["authorization_endpoint"],
                client_id=self._client,
                response_type="code",
                redirect_uri=callback,
                scope="openid profile email",
                state=attempt.state,
                nonce=attempt.nonce,
                code_challenge=create_s256_code_challenge(attempt.verifier),
                code_challenge_method="S256",
            )
        )

    def identity(self, code: str, attempt: Attempt, callback: str) -> Identity:
        """Exchange a code for an ID token, and verify that."""
        answer = self._exchanged(code, attempt, callback)
        claims = self._verified(str(answer.get("id_token", "")), attempt, answer.get("access_token"))
        subject, name = str(claims["sub"]), claims.get(self._settings.oidc_name_claim)
        shown = "".join(sign for sign in str(name or subject) if sign.isprintable()).strip()
        return Identity(shown[:_MOST_LETTERS] or subject, subject, self._roles(claims))

    def _roles(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        given = claims.get(self._settings.oidc_roles_claim)
        groups = [given] if isinstance(given, str) else given if isinstance(given, list) else []
        known = self._settings.oidc_roles
        return tuple(
            sorted({role for group in groups if isinstance(group, str) for role in known.get(group, ())})
        )

    def _exchanged(self, code: str, attempt: Attempt, callback: str) -> dict[str, Any]:
        document, secret = self._document(), self._settings.oidc_client_secret
        body = prepare_token_request(
            "authorization_code", redirect_uri=callback, code=code, code_verifier=attempt.verifier
        )
        known = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        way = "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"
        client = ClientAuth(
            self._client, secret.get_secret_value() if secret else None, way if secret else "none"
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        url, headers, body = client.prepare("POST", document["token_endpoint"], headers, body)
        return self._read("POST", url, headers=headers, body=body)

    def _verified(self, token: str, attempt: Attempt, access_token: object) -> Mapping[str, Any]:
        """The claims of an ID token; its signature, issuer, audience, nonce and times are right."""
        options: Any = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self._client},
        }
        params = {"nonce": attempt.nonce, "client_id": self._client, "access_token": access_token}
        try:
            decoded = self._decoded(token)
            claims = CodeIDToken(decoded.claims, decoded.header, options, params)
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            name = getattr(error, "claim", None) or type(error).__name__
            raise PermanentError(f"{_WRONG}: its ID token is not valid ({name}).") from None
        return dict(claims)

    def _decoded(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, self._keys(_KEPT_SECONDS), algorithms=ALGORITHMS)
        except InvalidKeyIdError:  # the provider may have new keys
            return jwt.decode(token, self._keys(_FEWEST_SECONDS), algorithms=ALGORITHMS)

    def _document(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0, section 4)."""
        document = self._published(f"{self._issuer}/.well-known/openid-configuration", _KEPT_SECONDS)
        if str(document.get("issuer", "")).rstrip("/") != self._issuer:
            raise SettingsError("DCM2SET_OIDC_ISSUER is wrong: the provider there has another name.")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            url = str(document.get(name, ""))
            is_plain = url.startswith("http://") and self._issuer.startswith("http://")
            if not (url.startswith("https://") or is_plain):
                raise PermanentError(f"{_WRONG}: its {name} is no https address.")
        return document

    def _keys(self, seconds: float) -> KeySet:
        """The provider's keys for signatures, read at most this long ago."""
        published = self._published(self._document()["jwks_uri"], seconds).get("keys")
        usable: Any = [
            key
            for key in (published if isinstance(published, list) else ())
            if isinstance(key, dict) and key.get("kty") in {"RSA", "EC"} and key.get("use", "sig") == "sig"
        ]
        try:
            return KeySet.import_key_set({"keys": usable})
        except (JoseError, ValueError, TypeError, KeyError):
            raise PermanentError(f"{_WRONG}: its keys can't be read.") from None

    def _published(self, url: str, seconds: float) -> dict[str, Any]:
        with self._lock:
            read_at, value = self._kept.get(url, (-_KEPT_SECONDS, {}))
            if time.monotonic() - read_at >= seconds or not value:
                value = self._read("GET", url)
                self._kept[url] = (time.monotonic(), value)
            return value

    def _read(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        """The JSON of an answer; redirects are not followed, and nothing of the answer is told."""
        try:
            with self._pool.request(method, url, preload_content=False, redirect=False, **options) as answer:
                body, status = answer.read(_MOST_BYTES + 1), answer.status
        except urllib3.exceptions.SSLError:
            raise DependencyAwayError(_UNTRUSTED) from None
        except urllib3.exceptions.HTTPError:
            raise DependencyAwayError(_AWAY) from None
        if status >= 500:
            raise DependencyAwayError(_AWAY)
        if status != 200 or len(body) > _MOST_BYTES:
            raise PermanentError(f"{_WRONG} (status {status}).")
        try:
            value = orjson.loads(body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise PermanentError(f"{_WRONG}: it is not JSON.")
        return value
