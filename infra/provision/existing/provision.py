"""Sets up a database and an object store that are there already, for functions that run elsewhere.

It needs no home: all it knows comes from the settings and from files of secrets. Every step may be repeated,
also by two processes at a time, and while the functions run.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from common import wiring
from common.errors import SettingsError
from common.settings import Settings
from common.tls import require_tls, tls_context
from infra.provision.existing.answering import answer_of
from infra.provision.existing.function_secrets import FunctionSecrets, read_function_secrets
from infra.provision.private_text import write_private
from infra.provision.pseudonym_space import known_keys
from infra.provision.roles import can_create_roles
from infra.provision.set_up import set_up_database
from infra.provision.store.minio_users import minio_admin
from infra.provision.store.store_setup import create_buckets, create_users
from infra.provision.store.webhooks import (
    environment_file,
    wait_for_targets,
    webhook_cards,
    webhook_targets,
    webhook_tokens,
)

Say = Callable[[str], None]
_WHO = "dcm2set provision"


def provision(settings: Settings, say: Say, *, wait_seconds: float, new_space: str | None = None) -> None:
    """Set up schema, roles, buckets, users and notifications; waits for servers that do not answer yet.

    Raises SettingsError if something is missing or may not be done, DependencyAwayError if a server does not
    answer in time.
    """
    secrets = read_function_secrets(Path(settings.required("function_secrets")))
    for name in ("database_url", "minio_endpoint"):
        settings.required(name)
        require_tls(settings, name)
    deadline = time.monotonic() + wait_seconds
    _provision_database(settings, secrets, say, deadline, new_space)
    _provision_store(settings, secrets, say, deadline)


def _provision_database(
    settings: Settings, secrets: FunctionSecrets, say: Say, deadline: float, new_space: str | None
) -> None:
    url, keys = settings.required("database_url"), known_keys(settings, None)
    if not answer_of(partial(can_create_roles, url), deadline=deadline):
        raise SettingsError("The user in DATABASE_URL may not create roles: give it CREATEROLE.")
    passwords = secrets.database_passwords
    set_up = partial(set_up_database, url, settings, keys=keys, passwords=passwords, who=_WHO)
    applied = answer_of(partial(set_up, new_space=new_space), deadline=deadline)
    say(f"Database: {', '.join(applied) or 'no migration was due'}; a role for each function.")


def _provision_store(settings: Settings, secrets: FunctionSecrets, say: Say, deadline: float) -> None:
    endpoint = settings.required("minio_endpoint")
    user, password = settings.required("minio_access_key"), settings.required("minio_secret_key")
    tls = tls_context(settings.minio_ca_file, "minio_ca_file") if settings.minio_secure else None
    create = partial(
        create_users,
        endpoint=endpoint,
        user=user,
        password=password,
        keys=secrets.store_keys,
        images_prefix=settings.images_prefix,
        tls=tls,
    )
    # MinIO refuses requests for users while it still loads them, though it is ready for others.
    answer_of(create, deadline=deadline)
    if settings.store_notifications:
        admin = minio_admin(endpoint=endpoint, access_key=user, secret_key=password, tls=tls)
        answer_of(partial(wait_for_targets, admin), deadline=deadline)
    create_buckets(wiring.store_of(settings), images_prefix=settings.images_prefix)
    notifications = "their notifications" if settings.store_notifications else "no notifications"
    say(f"Object store: buckets, {notifications}, and a user for each function.")


def write_store_environment(settings: Settings, file: Path) -> None:
    """Write the variables of MinIO's webhooks, with their token, to a file that only its owner can read."""
    token = wiring.tokens_of(settings).current
    missing = [card.function for card in webhook_cards() if card.function not in settings.function_urls]
    if missing:
        raise SettingsError(f"DCM2SET_FUNCTION_URLS has no URL of {', '.join(missing)}.")
    write_private(file, environment_file(webhook_targets(settings.function_urls) | webhook_tokens(token)))
