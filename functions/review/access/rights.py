"""Which roles may use which view, and the user of the current request."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import abort, g, request

from oversight.accounts.users import ROLES

View = TypeVar("View", bound=Callable[..., Any])

EVERYBODY = frozenset(ROLES)
_ATTRIBUTE = "allowed_roles"


@dataclass(frozen=True)
class User:
    """The signed-in user of a request."""

    name: str
    roles: frozenset[str]
    csrf_token: str  # in every form; another site can't know it

    def has(self, role: str) -> bool:
        """Whether the user has a role; every user is a viewer."""
        return role == "viewer" or role in self.roles


def allowed(*roles: str) -> Callable[[View], View]:
    """Let users with one of these roles use a view; without roles, everybody who is signed in."""

    def decorate(view: View) -> View:
        setattr(view, _ATTRIBUTE, frozenset(roles) or EVERYBODY)
        return view

    return decorate


def public(view: View) -> View:
    """Let everybody use a view, without signing in."""
    setattr(view, _ATTRIBUTE, None)
    return view


def roles_of(view: Callable[..., Any]) -> frozenset[str] | None:
    """The roles that may use a view; None: everybody, without signing in."""
    return cast("frozenset[str] | None", getattr(view, _ATTRIBUTE))


def current_user() -> User:
    """The user of the current request; only in views that need a sign-in."""
    return cast("User", g.user)


def csrf_token(session_token: str) -> str:
    """The token for the forms of a session; it tells nothing of the session's own token."""
    return hashlib.sha256(f"forms of {session_token}".encode()).hexdigest()


def check_form(token: str) -> None:
    """Refuse a form that does not come from a page of this session."""
    if not hmac.compare_digest(request.form.get("csrf_token", "").encode(), token.encode()):
        abort(403, "The form is not from this session: load the page again, and repeat what you did.")
