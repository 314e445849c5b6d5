"""Sessions of a DSM. Only this module uses synology-api, and only to log in.

The library sends its requests over our connection, with our time limits, certificates and pool. It is not
used after the login: it keeps an expired session, it takes DSM's error answers for files when it downloads,
and its error texts quote the session.
"""

import warnings
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import urllib3
from requests import PreparedRequest, Response
from requests import Session as HttpSession
from requests.adapters import HTTPAdapter

from common.errors import DependencyAwayError, PipelineError
from common.nas.login_refusal import ProcessRefusals, Refusals
from common.nas.synology.connection import Connection, no_answer
from common.nas.synology.errors import login_refused


@dataclass(frozen=True)
class Account:
    """The account that logs in."""

    user: str
    password: str = field(repr=False)
    otp_code: str | None = field(default=None, repr=False)
    device_id: str | None = field(default=None, repr=False)  # replaces the code after the first login


@dataclass(frozen=True)
class DsmSession:
    """A session after a successful login."""

    sid: str = field(repr=False)
    token: str = field(repr=False)
    device_id: str | None = field(repr=False)


class Login:
    """At most one session at a time; safe to share between threads.

    A refused account is not tried again. DSM would block this machine's address after a few failures.
    """

    def __init__(self, connection: Connection, account: Account, *, refusals: Refusals | None = None) -> None:
        self._connection = connection
        self._account = account
        self._refusals = refusals or ProcessRefusals()
        self._session: DsmSession | None = None
        self._lock = Lock()

    def session(self) -> DsmSession:
        """The session; the first caller logs in."""
        with self._lock:
            return self._session or self._log_in()

    def renew(self, expired: DsmSession) -> DsmSession:
        """A new session in place of an expired one; of several threads only one logs in."""
        with self._lock:
            if self._session is not None and self._session is not expired:
                return self._session
            self._session = None
            return self._log_in()

    def end(self) -> None:
        """Log out, if there is a session."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            fields = {"api": "SYNO.API.Auth", "version": "6", "method": "logout", "_sid": session.sid}
            self._connection.request_once("entry.cgi", fields)

    def _log_in(self) -> DsmSession:
        with self._refusals.login_attempt(self._credentials()):
            session = _open_session(self._connection, self._account)
        # A one-time code is valid once; from now on the device id replaces it.
        device_id = session.device_id or self._account.device_id
        self._account = replace(self._account, otp_code=None, device_id=device_id)
        self._session = session
        return session

    def _credentials(self) -> bytes:
        """Everything that decides whether a login succeeds."""
        account, connection = self._account, self._connection
        parts = (account.user, account.password, account.otp_code, account.device_id)
        return repr((connection.host, connection.port, *parts)).encode("utf-8", "surrogatepass")


def _open_session(connection: Connection, account: Account) -> DsmSession:
    version = _auth_version(connection)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns about its imports and ciphers
        from synology_api.auth import Authentication

        client = Authentication(
            f"[{connection.host}]" if ":" in connection.host else connection.host,
            str(connection.port),
            account.user,
            account.password,
            secure=connection.secure,
            cert_verify=True,
            dsm_version=version,
            debug=False,
            otp_code=account.otp_code,
            device_id=account.device_id,
            device_name="dcm2set",
        )
        with HttpSession() as http:
            http.trust_env = False  # ignore proxies and .netrc of this machine
            http.mount("http://", _ConnectionAdapter(connection))
            http.mount("https://", _ConnectionAdapter(connection))
            client._requests_session = http  # noqa: SLF001 the library has no parameter for it
            _login(client)
    return DsmSession(str(client.sid), str(client.syno_token or ""), client.device_id)


def _login(client: Any) -> None:
    try:
        client.login()
    except PipelineError:
        raise
    except urllib3.exceptions.HTTPError as error:
        raise no_answer(error) from None
    except Exception as error:  # noqa: BLE001 the library raises many types, and their texts quote secrets
        code = getattr(error, "error_code", None)
        if code is None and isinstance(error, KeyError):
            code = error.args[0]  # an error number without a text in the library
        if isinstance(code, int):
            raise login_refused(code) from None
        raise DependencyAwayError(
            f"The NAS answered a login with something that isn't DSM's ({type(error).__name__})."
        ) from None


def _auth_version(connection: Connection) -> int:
    """The version of the login API: 7 since DSM 7, 6 before. The library supports no older version."""
    fields = {
        "api": "SYNO.API.Info",
        "version": "1",
        "method": "query",
        "query": "SYNO.API.Auth",
    }
    answer = connection.request("query.cgi", fields)
    try:
        return max(6, min(7, int(answer.body["data"]["SYNO.API.Auth"]["maxVersion"])))
    except (KeyError, TypeError, ValueError):
        raise DependencyAwayError(
            "The NAS answered with something that isn't DSM's; see DCM2SET_NAS_URL."
        ) from None


class _ConnectionAdapter(HTTPAdapter):
    """Makes the requests library send over our connection pool."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        answered = self._connection.pool.urlopen(
            request.method or "POST",
            request.url or "",
            body=request.body,
            headers=dict(request.headers),
            redirect=False,
            preload_content=False,
        )
        response = self.build_response(request, answered)
        response._content = self._connection.read_body(answered)  # noqa: SLF001 requests itself would read without limits
        return response
