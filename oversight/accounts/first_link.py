"""Where the page is, and the link with which its first user signs in."""

from common.database import Database
from common.settings import Settings
from oversight.accounts.users import invite, users

FIRST_USER = "admin"
_ROLES = "--role reviewer --role operator"


def page_address(settings: Settings, function_url: str) -> str:
    """The address of the page for browsers, without a slash at the end."""
    return settings.page_url or function_url.rstrip("/")


def page_sentence(
    database: Database, settings: Settings, function_url: str, *, with_link: bool = True
) -> str:
    """Where the page is; with a one-time link or how to get one, unless somebody can sign in already."""
    address = page_address(settings, function_url)
    is_known = any(user.has_password and user.disabled_at is None for user in users(database))
    if settings.oidc_issuer is not None or is_known:
        return f"Page: {address}"
    if not with_link:
        return f"Page: {address}; for its first user: dcm2set users add {FIRST_USER} {_ROLES}"
    token = invite(database, FIRST_USER, ["reviewer", "operator"])
    return f"Page: {address}/invitations/{token} (works once, for the user {FIRST_USER}, within 24 hours)"
