"""The commands for the local accounts of the page."""

from typing import Any, get_args

import click

from common.page_settings import Role
from infra.command_options import (
    home_option,
    json_option,
    operator_database,
    operator_endpoints,
    print_result,
    who_option,
)
from infra.local.home import Home


@click.group()
def users() -> None:
    """Show, add and disable the users of the page, where it has local accounts."""


@users.command("list")
@home_option
@json_option
def list_users(home: Home, *, as_json: bool) -> None:
    """Show the users with their roles."""
    from dataclasses import asdict

    from oversight.accounts.users import users as read_users

    with operator_database(operator_endpoints(home)) as database:
        found = [asdict(user) for user in read_users(database)]
    print_result(found, lambda rows: "\n".join(map(_line, rows)) or "There is no user.", as_json=as_json)


@users.command()
@home_option
@click.argument("name")
@click.option(
    "--role",
    "roles",
    type=click.Choice(get_args(Role)),
    multiple=True,
    default=["viewer"],
    show_default=True,
    help="What the user may do; may be repeated. A reviewer sees held originals, an operator does not.",
)
@who_option
def add(home: Home, name: str, roles: tuple[str, ...], *, who: str) -> None:
    """Add a user, or give a user other roles and a new password; prints a link that works once.

    The link sets the password and works for 24 hours. Until it is used, an old password still works.
    """
    from common.settings import load_settings
    from oversight.accounts.first_link import page_address
    from oversight.accounts.users import invite
    from oversight.audit.audit_log import AuditEvent, record_alone

    endpoints, settings = operator_endpoints(home), load_settings()
    address = page_address(settings, endpoints["functions"].get("review") or settings.required("page_url"))
    with operator_database(endpoints) as database:
        token = invite(database, name, roles)
        details = {"user": name, "roles": sorted(roles)}
        record_alone(database, AuditEvent(who, "shell", "add user", details=details))
    click.echo(f"{address}/invitations/{token}")
    click.echo(f"Give this link to {name}. It works once, within 24 hours.", err=True)


@users.command()
@home_option
@click.argument("name")
@who_option
def disable(home: Home, name: str, *, who: str) -> None:
    """Let a user no longer sign in, and end the user's sessions."""
    from common.errors import PermanentError
    from oversight.accounts.users import disable as disable_user
    from oversight.audit.audit_log import AuditEvent, record_alone

    with operator_database(operator_endpoints(home)) as database:
        if not disable_user(database, name):
            raise PermanentError("There is no user of this name; dcm2set users list shows them.")
        details = {"user": name, "disabled": True}
        record_alone(database, AuditEvent(who, "shell", "change user", details=details))
    click.echo(f"{name} can no longer sign in.")


def _line(user: dict[str, Any]) -> str:
    state = "disabled" if user["disabled_at"] else "" if user["has_password"] else "invited"
    return f"{user['name']:<24} {', '.join(user['roles']):<30} {state}".rstrip()
