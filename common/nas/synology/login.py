"""Sessions of a DSM. synology-api logs in; this is the one place that knows of it.

It is given our own connection, so that its requests have our limits of time, certificates and
pool, and nothing of it is used after the login: its session outlives an expiry, its
downloads take DSM's error answers for files, and its error texts quote the session.
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
    """Who logs in."""

    user: str
    password: str = field(repr=False)
    otp_code: str | None = field(default=None, repr=False)
    device_id: str | None = field(default=None, repr=False)  # stands for the code once it was given


@dataclass(frozen=True)
class DsmSession:
    """A login that DSM has taken."""

    sid: str = field(repr=False)
    token: str = field(repr=False)
    device_id: str | None = field(repr=False)


class Login:
    """At most one session at a time, whatever the threads.

    An account that was refused is not tried again: DSM blocks an address after a few
    failures, and then nobody in the hospital reaches it from there.
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

    def renewed(self, expired: DsmSession) -> DsmSession:
        """A session after one that DSM no longer knows; of several callers one logs in."""
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
            self._connection.ask_once("entry.cgi", fields)

    def _log_in(self) -> DsmSession:
        with self._refusals.one_try(self._identity()):
            session = _logged_in(self._connection, self._account)
        # A code counts once; from now on the device it was given for is known.
        device_id = session.device_id or self._account.device_id
        self._account = replace(self._account, otp_code=None, device_id=device_id)
        self._session = session
        return session

    def _identity(self) -> bytes:
        """All that a login's success hangs on."""
        account, connection = self._account, self._connection
        parts = (account.user, account.password, account.otp_code, account.device_id)
        return repr((connection.host, connection.port, *parts)).encode("utf-8", "surrogatepass")


def _logged_in(connection: Connection, account: Account) -> DsmSession:
    version = _auth_version(connection)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its imports and ciphers
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
            http.trust_env = False  # neither a proxy nor a .netrc of the machine's
            http.mount("http://", _OurPool(connection))
            http.mount("https://", _OurPool(connection))
            client._requests_session = http  # noqa: SLF001 it has no other way in
            _login(client)
    return DsmSession(str(client.sid), str(client.syno_token or ""), client.device_id)


def _login(client: Any) -> None:
    try:
        client.login()
    except PipelineError:
        raise
    except urllib3.exceptions.HTTPError as error:
        raise no_answer(error) from None
    except Exception as error:  # noqa: BLE001 three families of errors, and the texts quote secrets
        code = getattr(error, "error_code", None)
        if code is None and isinstance(error, KeyError):
            code = error.args[0]  # a number that the library has no text for
        if isinstance(code, int):
            raise login_refused(code) from None
        raise DependencyAwayError(
            f"The NAS answered a login with something that isn't DSM's ({type(error).__name__})."
        ) from None


def _auth_version(connection: Connection) -> int:
    """7 since DSM 7, 6 before; older ones are not known to the library."""
    fields = {
        "api": "SYNO.API.Info",
        "version": "1",
        "method": "query",
        "query": "SYNO.API.Auth",
    }
    answer = connection.ask("query.cgi", fields)
    try:
        return max(6, min(7, int(answer.body["data"]["SYNO.API.Auth"]["maxVersion"])))
    except (KeyError, TypeError, ValueError):
        raise DependencyAwayError(
            "The NAS answered with something that isn't DSM's; see DCM2SET_NAS_URL."
        ) from None


class _OurPool(HTTPAdapter):
    """Sends what requests was told through our connection."""

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
        response._content = self._connection.whole(answered)  # noqa: SLF001 else it reads without limits
        return response
