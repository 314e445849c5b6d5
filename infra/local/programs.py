"""The processes of one home: the servers and the functions, each with its command and environment."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from common.settings import Settings
from common.tokens import TokenFile, Tokens
from infra.local.home import Home, Secrets, TcpPorts
from infra.local.postgres_server import PostgresServer
from infra.local.stores.local_store import LocalStore
from infra.local.supervisor import Program
from infra.provision.function_card import FunctionCard, function_cards
from infra.provision.pseudonym_space import Keys, known_keys
from infra.provision.serving import serving_command, serving_environment
from infra.provision.store.iam_users import AccessKey

# Variables that functions do not inherit: they are set here instead, or functions do not need them.
_NOT_INHERITED = (
    "DCM2SET_DATABASE_URL", "DCM2SET_PSEUDONYM_KEY", "DCM2SET_FORMER_PSEUDONYM_KEYS", "DCM2SET_TOKEN",
    "DCM2SET_HOME", "DCM2SET_MINIO_SECURE", "DCM2SET_MINIO_CA_FILE", "DCM2SET_FUNCTIONS_CA_FILE",
    "DCM2SET_FUNCTION_URLS", "DCM2SET_DATABASE_PASSWORD", "DCM2SET_FUNCTION_SECRETS",
    "DCM2SET_MINIO_REGION", "DCM2SET_LOCAL_STORE",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """The settings, secrets and TCP ports of one run of a home."""

    home: Home
    settings: Settings
    secrets: Secrets
    tcp_ports: TcpPorts
    store: LocalStore
    store_binary: Path
    postgres: PostgresServer | None  # None: DATABASE_URL names another server
    database_url: str
    has_roles: bool  # whether each function has its own database role

    @property
    def tokens(self) -> Tokens:
        """The tokens that functions accept; timers send the current one."""
        return Tokens(TokenFile(self.token_file))

    @property
    def token_file(self) -> Path:
        """The token file of the settings, or that of the home."""
        return self.settings.token_file or self.home.token_file

    @property
    def pseudonym_keys(self) -> Keys:
        """The keys in the settings, and the home's own."""
        return known_keys(self.settings, self.secrets.pseudonym_key)

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.tcp_ports.minio}"

    @property
    def notifications(self) -> bool:
        """Whether the object store notifies the functions."""
        return self.settings.store_notifications and self.store.sends_notifications

    @property
    def urls(self) -> dict[str, str]:
        return {name: f"http://127.0.0.1:{port}/" for name, port in self.tcp_ports.functions.items()}

    @property
    def served_urls(self) -> dict[str, str]:
        """The URLs of the functions that can work; poll_nas can't without a NAS."""
        return {name: url for name, url in self.urls.items() if name != "poll_nas" or self.settings.nas_url}

    def role_url(self, function: str) -> str:
        """The URL with which a function connects to the database."""
        if not self.has_roles:
            return self.database_url
        role = f"{conninfo_to_dict(self.database_url)['dbname']}_{function}"
        return make_conninfo(self.database_url, user=role, password=self.secrets.postgres_keys[function])


def programs(plan: Plan) -> list[Program]:
    """Every process of a home; the servers start first and end last."""
    keys = plan.store.function_keys(plan)
    return servers(plan) + [_function(plan, card, keys[card.function]) for card in function_cards()]


def servers(plan: Plan) -> list[Program]:
    """The processes of the object store and the database."""
    processes = plan.store.processes(plan)
    if plan.postgres is not None:
        command = plan.postgres.command(plan.tcp_ports.postgres)
        processes.append(Program("postgres", command, {}, priority=1, stop_signal="INT"))
    return processes


def _function(plan: Plan, card: FunctionCard, key: AccessKey) -> Program:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("DCM2SET_")
        and (card.function == "poll_nas" or not name.startswith("DCM2SET_NAS_"))
    }
    workers = plan.settings.workers if card.events and plan.settings.workers else card.workers_here()
    environment = inherited | {
        "DCM2SET_TOKEN_FILE": str(plan.token_file.resolve()),
        "DCM2SET_MINIO_ENDPOINT": plan.endpoint,
        "DCM2SET_MINIO_ACCESS_KEY": key.access_key,
        "DCM2SET_MINIO_SECRET_KEY": key.secret_key,
        "DCM2SET_STORE_NOTIFICATIONS": str(plan.notifications).lower(),
        "DATABASE_URL": plan.role_url(card.function),
        "TMPDIR": str(plan.home.scratch),
        "PROMETHEUS_MULTIPROC_DIR": str(plan.home.metrics(card.function)),
        **serving_environment(card, workers=workers),
    }
    for name in _NOT_INHERITED:
        environment.pop(name, None)
    if card.function == "extract":
        environment["DCM2SET_PSEUDONYM_KEY"] = plan.pseudonym_keys.current.hex()
        environment["DCM2SET_FORMER_PSEUDONYM_KEYS"] = json.dumps(
            [key.hex() for key in plan.pseudonym_keys.others]
        )
    if card.function == "poll_nas" and plan.settings.nas_url:
        environment["DCM2SET_NAS_URL"] = plan.settings.nas_url
    if card.function == "sweep":
        environment["DCM2SET_FUNCTION_URLS"] = json.dumps(plan.urls)
    command = serving_command(card, host="127.0.0.1", port=plan.tcp_ports.functions[card.function])
    return Program(card.function, command, environment, priority=10, group="functions")
