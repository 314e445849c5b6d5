"""Signing in with a local account, one-time links, and signing out."""

from pathlib import Path

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from common.database import queries
from common.errors import PermanentError
from functions.review.access import sessions
from functions.review.access.ports import ports
from functions.review.access.rights import allowed, current_user, public
from oversight.accounts.users import accept, checked_roles, invited, token_digest
from oversight.audit.audit_log import AuditEvent, record_alone

_SQL = queries(Path(__file__).with_suffix(".sql"))
_MOST_OF_NAME, _MINUTES = 5, 15  # failed attempts
_MOST_OF_ADDRESS = 50  # behind a proxy all users have one address: one of them must not lock out the others
_WRONG = "Name or password is wrong."
_TOO_MANY = f"Too many failed attempts: wait {_MINUTES} minutes."
_OLD_LINK = "This link was used already, or is too old: ask for another one."

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
@public
def form() -> str:
    """The form to sign in."""
    return render_template("sign_in.html", has_provider=ports().settings.oidc_issuer is not None)


@blueprint.post("/sign-in")
@public
def sign_in() -> AnyResponse | tuple[str, int]:
    """Sign in; a session begins with a new token, whatever cookie the browser had."""
    _refuse_without_accounts()
    database, name = ports().database, request.form.get("name", "").strip().lower()[:64]
    subjects = [token_digest(f"name {name}"), token_digest(f"address {request.remote_addr}")]
    failed = database.one(_SQL["failures"], name=subjects[0], address=subjects[1], minutes=_MINUTES)
    if failed and (failed["of_name"] >= _MOST_OF_NAME or failed["of_address"] >= _MOST_OF_ADDRESS):
        return render_template("sign_in.html", fault=_TOO_MANY), 429
    roles = checked_roles(database, name, request.form.get("password", ""))
    if roles is None:
        database.run(_SQL["note_failure"], subjects=subjects)
        record_alone(database, AuditEvent("unknown", "page", "sign in failed"))
        return render_template("sign_in.html", fault=_WRONG), 403
    database.run(_SQL["forget_failures"], subjects=subjects[:1], minutes=_MINUTES)
    return signed_in(name, list(roles))


def signed_in(name: str, roles: list[str]) -> AnyResponse:
    """Begin a session and go to the overview."""
    record_alone(ports().database, AuditEvent(name, "page", "sign in", details={"roles": roles}))
    response = redirect(url_for("overview.page"), code=303)
    assert isinstance(response, Response)  # noqa: S101 flask makes its own
    sessions.begin(ports().database, ports().settings, response, who=name, roles=roles)
    return response


@blueprint.get("/invitations/<token>")
@public
def invitation(token: str) -> str | tuple[str, int]:
    """The form behind a one-time link, to choose a password."""
    _refuse_without_accounts()
    name = invited(ports().database, token)
    if name is None:
        return render_template("sign_in.html", fault=_OLD_LINK), 404
    return render_template("invitation.html", name=name, token=token)


@blueprint.post("/invitations/<token>")
@public
def use_invitation(token: str) -> AnyResponse | str | tuple[str, int]:
    """Set the password, and sign in."""
    _refuse_without_accounts()
    database, password = ports().database, request.form.get("password", "")
    try:
        name = accept(database, token, password)
    except PermanentError as error:
        shown = invited(database, token)
        return render_template("invitation.html", name=shown, token=token, fault=str(error)), 400
    if name is None:
        return render_template("sign_in.html", fault=_OLD_LINK), 404
    return signed_in(name, list(checked_roles(database, name, password) or ()))


@blueprint.post("/sign-out")
@allowed()
def sign_out() -> AnyResponse:
    """End the session."""
    response = redirect(url_for("sign_in.form"), code=303)
    assert isinstance(response, Response)  # noqa: S101 flask makes its own
    sessions.end(ports().database, ports().settings, request, response)
    record_alone(ports().database, AuditEvent(current_user().name, "page", "sign out"))
    return response


def _refuse_without_accounts() -> None:
    """With an OpenID Connect provider, local accounts and one-time links are off."""
    if ports().settings.oidc_issuer is not None:
        abort(404)
