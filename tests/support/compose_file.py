"""Reads infra/compose/compose.yaml as Docker Compose does, and finds what is wrong in it."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from infra.compose.installation import container_name, urls
from infra.provision.function_card import FunctionCard, function_cards
from tests.support.repository import ROOT

FILE = ROOT / "infra" / "compose" / "compose.yaml"
SCHEMA = ROOT / "tests" / "unit" / "infra" / "compose" / "compose_spec" / "compose-spec.json"
Compose = dict[str, Any]
FUNCTIONS = {container_name(card.function): card for card in function_cards()}
ONE_SHOT = {"provision", "operator"}
_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\})")
_SECRET = re.compile("PASSWORD|SECRET_KEY|PSEUDONYM|TOKEN|CLIENT_SECRET|DEVICE_ID|OTP")
_URL_WITH_PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]+@")
_NOT_ROOT = r"\$\{DCM2SET_USER:\?.*\}|[1-9]\d*:\d+"
_FORBIDDEN = ("privileged", "cap_add", "devices", "network_mode", "pid", "ipc", "userns_mode", "volumes_from")
# A variable with a default needs no init-compose; none of these is a secret.
_MAY_HAVE_DEFAULT = {"DCM2SET_SOURCE", "DCM2SET_NAS_URL", "DCM2SET_NAS_USER", "DCM2SET_NAS_FOLDER"}


def read(variables: Mapping[str, str], file: Path = FILE) -> Compose:
    """The file with its anchors and variables replaced; KeyError if a variable that it requires is absent."""
    return dict(_interpolated(yaml.safe_load(file.read_text(encoding="utf-8")), variables))


def _interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _interpolated(part, variables) for name, part in value.items()}
    if isinstance(value, list):
        return [_interpolated(part, variables) for part in value]
    return (
        _VARIABLE.sub(lambda found: _replaced(found, variables), value) if isinstance(value, str) else value
    )


def _replaced(found: re.Match[str], variables: Mapping[str, str]) -> str:
    dollar, name, sign, rest = found.groups()
    if dollar:
        return "$"
    if sign == "-":
        return variables.get(name) or rest
    if not variables.get(name):
        raise KeyError(f"{name}: {rest}")
    return variables[name]


def schema_faults(compose: Compose) -> list[str]:
    """What is no Compose file, by the schema of its specification."""
    return [f"{error.json_path}: {error.message}" for error in _validator().iter_errors(compose)]


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def faults(compose: Compose) -> list[str]:
    """What is wrong by our own rules: a sentence each, which begins with the service or secret."""
    services = compose.get("services", {})
    found = [
        f"{name}: {fault}" for name, service in services.items() for fault in _service(name, service, compose)
    ]
    for name, card in FUNCTIONS.items():
        found += [f"{name}: {fault}" for fault in _function(name, card, compose)]
    found += _secrets(compose)
    return [*found, *_network_faults(compose), *_defaults(compose)]


def _service(name: str, service: Compose, compose: Compose) -> Iterator[str]:
    """The rules for every service."""
    privileges = "no-new-privileges:true" in service.get("security_opt", ())
    limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
    rules = {
        "its root can be written": service.get("read_only") is True,
        "it keeps capabilities": service.get("cap_drop") == ["ALL"] and privileges,
        "it runs as root": bool(re.fullmatch(_NOT_ROOT, service.get("user", ""))),
        "it has no limits": {"cpus", "memory", "pids"} <= set(limits),
        "nobody watches its health": _is_watched(name, service),
        "it is not restarted as it should be": service.get("restart")
        == ("no" if name in ONE_SHOT else "unless-stopped"),
        "its log grows without limit": {"max-size", "max-file"}
        <= set(service.get("logging", {}).get("options", {})),
        "it publishes ports": name == "proxy" or "ports" not in service,
        "it may do what a container should not": not any(key in service for key in _FORBIDDEN),
        "its image is not pinned": _is_pinned(service.get("image", "")),
    }
    yield from (fault for fault, is_kept in rules.items() if not is_kept)
    yield from _references(service, compose)
    yield from _plain_secrets(service)


def _is_watched(name: str, service: Compose) -> bool:
    health = service.get("healthcheck", {})
    if name in ONE_SHOT:
        return health == {"disable": True}
    has_own = name in FUNCTIONS or name == "store"  # the image has a test
    return ("test" in health or has_own) and {"interval", "timeout", "retries", "start_period"} <= set(health)


def _is_pinned(image: str) -> bool:
    own = r"\$\{DCM2SET_(STORE_|OPERATOR_)?IMAGE:\?.*\}|localhost/dcm2set(-minio|-operator)?:[\w.]+"
    return bool(re.fullmatch(rf"{own}|[\w./-]+:[\w.-]+@sha256:[0-9a-f]{{64}}", image))


def _references(service: Compose, compose: Compose) -> Iterator[str]:
    """Networks, configs and services that it names must be there."""
    for kind in ("secrets", "configs"):
        for used in service.get(kind, ()):
            source = used if isinstance(used, str) else used["source"]
            if source not in compose.get(kind, {}):
                yield f"it names {source}, which is not among the {kind}"
    for network in service.get("networks") or ["none"]:
        if network not in compose.get("networks", {}):
            yield f"it names the network {network}, which is not there"
    for other, how in service.get("depends_on", {}).items():
        if other not in compose["services"]:
            yield f"it waits for {other}, which is not there"
        elif (how["condition"] == "service_completed_successfully") != (other in ONE_SHOT):
            yield f"it waits for {other} in vain"


def _plain_secrets(service: Compose) -> Iterator[str]:
    for variable, value in service.get("environment", {}).items():
        if _SECRET.search(variable) and not variable.endswith("_FILE"):
            yield f"{variable} is a secret in the environment"
        if _URL_WITH_PASSWORD.search(str(value)):
            yield f"{variable} has a password in it"


def _function(name: str, card: FunctionCard, compose: Compose) -> Iterator[str]:
    """The rules for a function, from its card."""
    service = compose.get("services", {}).get(name)
    if service is None:
        yield "the function has no service"
        return
    environment, function = service.get("environment", {}), card.function
    heavy = {"${DCM2SET_HEAVY_WORKERS:?run dcm2set init-compose}"} | set(map(str, range(1, card.workers + 1)))
    wanted = {
        "FUNCTION": {function},
        "PORT": {"8080"},
        "WORKERS": heavy if card.workers > 1 else {None},
        "DCM2SET_MINIO_ACCESS_KEY": {f"dcm2set-{function}"},
        "DATABASE_URL": {f"postgresql://dcm2set_{function}@postgres/dcm2set"},
        "DCM2SET_SECRETS_DIR": {"/run/secrets"},
        "DCM2SET_TOKEN_FILE": {"/run/secrets/tokens"},
    }
    for variable, values in wanted.items():
        if environment.get(variable) not in values:
            yield f"{variable} is not as its card says"
    own = {("DCM2SET_MINIO_SECRET_KEY", "store_key"), ("DCM2SET_DATABASE_PASSWORD", "database_password")}
    given, provisioned = _targets(service), _targets(compose["services"].get("provision", {}))
    for target, kind in own:
        if given.get(target) != f"{function}_{kind}":
            yield f"it has not its own {target}"
        if provisioned.get(f"/run/function-secrets/{function}/{target}") != f"{function}_{kind}":
            yield f"provision has not its {target}"
    if "provision" not in service.get("depends_on", {}):
        yield "it does not wait for provision"
    for caller in ("sweep", "timers"):
        environment = compose["services"].get(caller, {}).get("environment", {})
        if json.loads(environment.get("DCM2SET_FUNCTION_URLS", "{}")).get(function) != urls()[function]:
            yield f"{caller} does not know its URL"


def _targets(service: Compose) -> dict[str, str]:
    """The secrets of a service by the file that it finds them in."""
    uses = (used if isinstance(used, dict) else {"source": used} for used in service.get("secrets", ()))
    return {used.get("target", used["source"]): used["source"] for used in uses}


def _secrets(compose: Compose) -> Iterator[str]:
    """Every secret is a file in the folder of secrets, and somebody needs it."""
    used = {
        source for service in compose.get("services", {}).values() for source in _targets(service).values()
    }
    for name, secret in compose.get("secrets", {}).items():
        if set(secret) != {"file"} or not re.fullmatch(r"\./secrets/[\w./-]+", str(secret.get("file"))):
            yield f"{name}: it is no file in the folder of secrets"
        if name not in used:
            yield f"{name}: nobody uses it"


def _network_faults(compose: Compose) -> Iterator[str]:
    """Database, store and timers are on networks that end in this machine."""
    internal = {
        name for name, network in compose.get("networks", {}).items() if network.get("internal") is True
    }
    may_leave = {"proxy", "poll-nas", "review"}
    for name, service in compose.get("services", {}).items():
        if name not in may_leave and not set(service.get("networks") or ["none"]) <= internal:
            yield f"{name}: it is on a network that leaves the machine"


def _defaults(compose: Compose) -> Iterator[str]:
    """Only what is no secret has a default in the file as it is shipped."""
    for _, name, sign, _ in _VARIABLE.findall(json.dumps(compose)):
        if sign != "?" and name and name not in _MAY_HAVE_DEFAULT:
            yield f"{name}: the variable has a default, or none is asked for"
