"""Sessions: a random token in a cookie, its digest in the database."""

import secrets
from pathlib import Path

from flask import Request, Response

from common.database import Database, queries
from common.settings import Settings
from functions.review.access.rights import User, csrf_token
from oversight.accounts.users import token_digest

_SQL = queries(Path(__file__).with_suffix(".sql"))
RENEWAL = "X-Renewal"  # header of a request that no person made


def is_secure(settings: Settings) -> bool:
    """Whether browsers reach the page over TLS."""
    return (settings.page_url or "").startswith("https://")


def cookie_name(settings: Settings) -> str:
    """The name of the cookie; with the prefix, browsers take it over TLS only (RFC 6265bis 4.1.3.2)."""
    return "__Host-dcm2set" if is_secure(settings) else "dcm2set"


def begin(database: Database, settings: Settings, response: Response, *, who: str, roles: list[str]) -> None:
    """Begin a session with a new token, and end all that have expired."""
    token = secrets.token_urlsafe(32)
    database.run(_SQL["delete_old"], **_limits(settings))
    issuer = settings.oidc_issuer or ""
    database.run(_SQL["begin"], hash=token_digest(token), who=who, roles=roles, issuer=issuer)
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=round(settings.page_session_hours * 3600),
        secure=is_secure(settings),
        httponly=True,
        samesite="Strict",
        path="/",
    )


def user_of(database: Database, settings: Settings, request: Request) -> User | None:
    """The user of a request; None without a session, or if it has expired."""
    token = request.cookies.get(cookie_name(settings), "")
    if not token:
        return None
    # A page that renews itself does not keep a session alive that nobody uses.
    query = "read" if RENEWAL in request.headers else "use"
    row = database.one(_SQL[query], hash=token_digest(token), **_limits(settings))
    return None if row is None else User(row["who"], frozenset(row["roles"]), csrf_token(token))


def end(database: Database, settings: Settings, request: Request, response: Response) -> None:
    """End the session of a request."""
    database.run(_SQL["end"], hash=token_digest(request.cookies.get(cookie_name(settings), "")))
    response.delete_cookie(cookie_name(settings), path="/", secure=is_secure(settings), httponly=True)


def _limits(settings: Settings) -> dict[str, float | str]:
    """How long a session lives, and where its user signed in: with other accounts it has ended."""
    return {
        "idle": settings.page_idle_minutes * 60,
        "longest": settings.page_session_hours * 3600,
        "issuer": settings.oidc_issuer or "",
    }
