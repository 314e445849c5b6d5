"""Signing in by OpenID Connect: the authorization code flow with PKCE, state and nonce."""

import hmac
import secrets

from flask import Blueprint, Response, abort, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from common.errors import PermanentError
from functions.review.access import sessions
from functions.review.access.ports import ports
from functions.review.access.rights import public
from oversight.accounts.provider import Attempt, Identity, Provider
from oversight.audit.audit_log import AuditEvent, record_alone

_SECONDS = 600  # of an attempt to sign in
_OLD = "This sign-in was not begun in this browser, or is too old: begin again."
_REFUSED = "The OpenID Connect provider has not signed you in."
_NO_ROLE = "You have no role here: ask the administrators of the provider for a group of DCM2SET_OIDC_ROLES."

blueprint = Blueprint("oidc", __name__, url_prefix="/oidc")


@blueprint.get("/start")
@public
def start() -> AnyResponse:
    """Send the browser to the provider; its cookie has the secrets of this attempt."""
    attempt = Attempt(secrets.token_urlsafe(32))
    response = redirect(_provider().address(attempt, _callback()), code=303)
    response.set_cookie(
        _cookie(),
        attempt.token,
        max_age=_SECONDS,
        secure=sessions.is_secure(ports().settings),
        httponly=True,
        samesite="Lax",  # the provider sends the browser back, which is a navigation from another site
        path="/",
    )
    return response


@blueprint.get("/callback")
@public
def callback() -> Response:
    """Begin a session for the user whom the provider has sent back."""
    provider, attempt = _provider(), Attempt(request.cookies.get(_cookie(), ""))
    state = request.args.get("state", "").encode()
    if not attempt.token or not hmac.compare_digest(state, attempt.state.encode()):
        abort(400, _OLD)
    if request.args.get("iss", provider.issuer) != provider.issuer or not request.args.get("code"):
        return _answer(403, _REFUSED)
    try:
        identity = provider.identity(request.args["code"], attempt, _callback())
    except PermanentError as error:
        return _answer(400, str(error))
    if not identity.roles:
        record_alone(
            ports().database, AuditEvent(identity.name, "page", "sign in failed", details=_details(identity))
        )
        return _answer(403, _NO_ROLE)
    record_alone(ports().database, AuditEvent(identity.name, "page", "sign in", details=_details(identity)))
    # A redirect would still count as sent by the provider's site, without the session's cookie.
    response = _without_attempt(make_response(render_template("signed_in.html")))
    who, roles = identity.name, list(identity.roles)
    sessions.begin(ports().database, ports().settings, response, who=who, roles=roles)
    return response


def _provider() -> Provider:
    return ports().provider or abort(404)


def _callback() -> str:
    return f"{g.origin}{url_for('oidc.callback')}"


def _cookie() -> str:
    return f"{sessions.cookie_name(ports().settings)}-oidc"


def _answer(status: int, text: str) -> Response:
    return _without_attempt(make_response(render_template("fault.html", status=status, text=text), status))


def _without_attempt(response: Response) -> Response:
    """The answer after which the attempt can't be used again."""
    secure = sessions.is_secure(ports().settings)
    response.delete_cookie(_cookie(), path="/", secure=secure, httponly=True, samesite="Lax")
    return response


def _details(identity: Identity) -> dict[str, object]:
    return {"roles": list(identity.roles), "subject": identity.subject}
