"""MinIO: the object store of a home, unless another is chosen. It notifies the functions by webhook.

MinIO (AGPL-3.0) is distributed as source only, so it is built once.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import urllib3
from minio.error import MinioAdminException

from common.errors import DependencyAwayError
from infra.local.home import Home, Secrets
from infra.local.stores.go_program import GoProgram
from infra.local.stores.local_store import Keys, LocalStore
from infra.local.supervisor import Program
from infra.provision.private_text import write_private
from infra.provision.store.iam_users import AccessKey
from infra.provision.store.minio_users import minio_admin
from infra.provision.store.store_setup import create_users
from infra.provision.store.webhooks import (
    environment_file,
    wait_for_targets,
    webhook_targets,
    webhook_tokens,
)

if TYPE_CHECKING:
    from infra.local.programs import Plan

MINIO = GoProgram(
    title="MinIO",
    command="minio",
    package="github.com/minio/minio",
    version="v0.0.0-20260212201848-7aac2a2c5b7c",
    cost="about 2 to 6 minutes and 3 GB of disk space",
    oldest_go=(1, 24),
)


class MinioServer(LocalStore):
    """MinIO as one process."""

    name = "minio"
    program = MINIO
    sends_notifications = True

    def function_keys(self, plan: "Plan") -> Keys:
        return {
            function: AccessKey(f"dcm2set-{function}", key)
            for function, key in plan.secrets.minio_keys.items()
        }

    def processes(self, plan: "Plan") -> list[Program]:
        environment = {
            "MINIO_CONFIG_ENV_FILE": str(plan.home.minio_environment),
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            # MinIO delivers this many events at once, for all functions together. It must be more than all
            # functions work on at once, so that a full function receives an event and can refuse it.
            "GOMAXPROCS": str(max(16, os.cpu_count() or 1)),
        }
        if plan.notifications:
            environment |= webhook_targets(plan.urls)
        folder = str(plan.home.store_data(self.name))
        command = [str(plan.store_binary), "server", "--quiet", "--address", plan.endpoint, folder]
        return [Program(self.name, command, environment, priority=2)]

    def is_ready(self, plan: "Plan", answers: Callable[[str], bool]) -> bool:
        return answers(f"http://{plan.endpoint}/minio/health/ready")

    def has_users(self, plan: "Plan") -> bool:
        """Create the users; False while MinIO, though ready, is still loading its users and policies.

        Afterwards it also knows the targets of its notifications.
        """
        user, password = plan.secrets.minio_user, plan.secrets.minio_password
        try:
            create_users(
                endpoint=plan.endpoint,
                user=user,
                password=password,
                keys=plan.secrets.minio_keys,
                images_prefix=plan.settings.images_prefix,
            )
            if plan.notifications:
                wait_for_targets(minio_admin(endpoint=plan.endpoint, access_key=user, secret_key=password))
        except MinioAdminException as error:
            if "StorageFull" in str(error):
                raise DependencyAwayError("MinIO is full: its disk needs room.") from None
            return False
        except urllib3.exceptions.HTTPError:  # it is away again; the next look at it finds out why
            return False
        return True

    def iam_url(self, plan: "Plan") -> str | None:  # noqa: ARG002
        return None


def write_minio_environment(home: Home, secrets: Secrets, token: str) -> None:
    """Write MinIO's secrets, which it reads at every start; a new token takes effect with the next one."""
    lines = {"MINIO_ROOT_USER": secrets.minio_user, "MINIO_ROOT_PASSWORD": secrets.minio_password}
    write_private(home.minio_environment, environment_file(lines | webhook_tokens(token)))
