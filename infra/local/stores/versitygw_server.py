"""VersityGW: an S3 server on a folder (Apache-2.0), with the IAM API of AWS for its users.

It has one webhook for all buckets and sends no token with an event, so the line runs without notifications.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import DependencyAwayError, SettingsError
from infra.local.causes.waiting import START_SECONDS
from infra.local.home import MARKER
from infra.local.stores.go_program import GoProgram
from infra.local.stores.local_store import Keys, LocalStore
from infra.local.supervisor import Program
from infra.provision.function_card import function_cards
from infra.provision.private_text import write_private
from infra.provision.store.iam_users import AccessKey, IamApi
from infra.provision.store.store_setup import iam_policy_of

if TYPE_CHECKING:
    from infra.local.programs import Plan

VERSITYGW = GoProgram(
    title="VersityGW",
    command="versitygw",
    package="github.com/versity/versitygw/cmd/versitygw",
    version="v1.8.0",
    cost="about 1 to 3 minutes and 1 GB of disk space",
    oldest_go=(1, 25),
)
_HEALTH = "/health"
_LONGEST_SOCKET_PATH = 100  # bytes; the system allows 107 (unix(7))


class VersitygwServer(LocalStore):
    """VersityGW as two processes: the store, and the service that knows the users."""

    name = "versitygw"
    program = VERSITYGW
    sends_notifications = False

    def function_keys(self, plan: "Plan") -> Keys:
        """Set the users' rights, and make their keys, which VersityGW tells once and the home stores."""
        path = plan.home.store_folder(self.name) / "keys.json"
        stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        keys = {name: AccessKey(**found) for name, found in stored.items()}
        _users_folder(plan).mkdir(mode=0o700, exist_ok=True)
        with self._running_iam(plan) as api:
            for card in function_cards():
                user = f"dcm2set-{card.function}"
                api.ensure_user(user, iam_policy_of(card, images_prefix=plan.settings.images_prefix))
                known = keys.get(card.function)
                if known is None or not api.has_key(user, known.access_key):
                    keys[card.function] = api.new_key(user)
        write_private(path, {name: asdict(key) for name, key in keys.items()})
        return keys

    def processes(self, plan: "Plan") -> list[Program]:
        store = [str(plan.store_binary), "--port", plan.endpoint, "--health", _HEALTH, "--quiet"]
        store += ["--iam-standalone-endpoint", _socket(plan), "posix", str(plan.home.store_data(self.name))]
        environment = _root_keys(plan)
        return [
            Program(f"{self.name}-iam", _iam_command(plan), environment, priority=1),
            Program(self.name, store, environment, priority=2),
        ]

    def is_ready(self, plan: "Plan", answers: Callable[[str], bool]) -> bool:
        return answers(f"http://{plan.endpoint}{_HEALTH}")

    def has_users(self, plan: "Plan") -> bool:  # noqa: ARG002 they were created before
        return True

    def iam_url(self, plan: "Plan") -> str | None:
        return f"http://{_iam_address(plan)}/"

    @contextmanager
    def _running_iam(self, plan: "Plan") -> Iterator[IamApi]:
        """The service alone, because the functions need their keys when they are started."""
        process = subprocess.Popen(
            _iam_command(plan),
            env=_root_keys(plan) | {MARKER: str(plan.home.folder)},  # so that no killed run leaves it
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        operator = AccessKey(plan.secrets.minio_user, plan.secrets.minio_password)
        api = IamApi(str(self.iam_url(plan)), operator)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not api.answers():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise DependencyAwayError("VersityGW's service of users does not start; see its folder.")
                time.sleep(0.02)
            yield api
        finally:
            process.terminate()
            process.wait(timeout=30)


def _iam_command(plan: "Plan") -> list[str]:
    command = [str(plan.store_binary), "--port", _iam_address(plan), "--quiet"]
    command += ["iam", "--dir", str(_users_folder(plan))]
    return [*command, "--private-ports", _socket(plan), "--private-socket-perm", "0600"]


def _users_folder(plan: "Plan") -> Path:
    return plan.home.store_folder(VersitygwServer.name) / "iam"


def _iam_address(plan: "Plan") -> str:
    return f"127.0.0.1:{plan.tcp_ports.iam}"


def _socket(plan: "Plan") -> str:
    """The socket on which the store asks the service."""
    path = str(plan.home.store_folder(VersitygwServer.name) / "iam.sock")
    if len(path.encode()) > _LONGEST_SOCKET_PATH:
        raise SettingsError(
            f"The path of the home is too long for VersityGW: choose a shorter one than {path}."
        )
    return path


def _root_keys(plan: "Plan") -> dict[str, str]:
    return {"ROOT_ACCESS_KEY": plan.secrets.minio_user, "ROOT_SECRET_KEY": plan.secrets.minio_password}
