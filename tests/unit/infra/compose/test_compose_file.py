"""The file of Docker Compose, against the specification, the cards of the functions and our own rules."""

import copy
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from infra.local.postgres_server import PostgresServer
from tests.support.compose_file import FILE, FUNCTIONS, ONE_SHOT, Compose, faults, schema_faults
from tests.support.repository import ROOT


@cache
def _shipped() -> Compose:
    return dict(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def _changed(change: Callable[[Compose], Any]) -> Compose:
    compose = copy.deepcopy(_shipped())
    change(compose)
    return compose


SERVICES = sorted(_shipped()["services"])
SECRETS = sorted(_shipped()["secrets"])
PARTS = [(kind, name) for kind in ("services", "secrets", "configs", "networks") for name in _shipped()[kind]]


def test_the_file_is_as_specification_and_rules_ask() -> None:
    """Neither the schema nor our own rules find a fault."""
    assert [] == schema_faults(_shipped())
    assert [] == faults(_shipped())


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_a_misspelt_key_is_refused(kind: str, name: str) -> None:
    """One fault in one service, secret, config or network: the schema names the place."""
    found = schema_faults(_changed(lambda compose: compose[kind][name].update(exterminal=True)))
    assert 1 == len(found)
    assert f"$.{kind}.{name}" in found[0].replace("['", ".").replace("']", "")


_OF_EVERY_SERVICE: dict[str, tuple[Callable[[Compose], Any], str]] = {
    "root": (lambda service: service.update(user="0:0"), "runs as root"),
    "writable": (lambda service: service.pop("read_only"), "can be written"),
    "capabilities": (lambda service: service.pop("cap_drop"), "keeps capabilities"),
    "new privileges": (lambda service: service.pop("security_opt"), "keeps capabilities"),
    "privileged": (lambda service: service.update(privileged=True), "should not"),
    "limits": (lambda service: service.pop("deploy"), "no limits"),
    "health": (lambda service: service.pop("healthcheck"), "watches its health"),
    "restart": (lambda service: service.update(restart="on-failure"), "restarted"),
    "log": (lambda service: service.pop("logging"), "log grows"),
    "image": (lambda service: service.update(image="postgres:latest"), "not pinned"),
    "network": (lambda service: service.update(networks=["dta"]), "network dta"),
    "no network": (lambda service: service.pop("networks"), "network none"),
    "password": (
        lambda service: service.setdefault("environment", {}).update(ANY_PASSWORD="x"),
        "secret in the environment",
    ),
    "URL": (
        lambda service: service.setdefault("environment", {}).update(ANY="http://a:b@c/"),
        "password in it",
    ),
    "secret": (lambda service: service.update(secrets=["not_there"]), "not among the secrets"),
    "order": (lambda service: service.update(depends_on={"provisoin": {}}), "provisoin"),
}


@pytest.mark.parametrize("fault", _OF_EVERY_SERVICE)
def test_a_fault_in_a_service_is_told(fault: str) -> None:
    """Each rule is broken in each service in turn; the rule and the service are named."""
    change, told = _OF_EVERY_SERVICE[fault]
    for name in SERVICES:
        found = faults(_changed(lambda compose, name=name: change(compose["services"][name])))
        assert [line for line in found if line.startswith(f"{name}: ") and told in line], (name, found)


def test_only_the_proxy_publishes_ports() -> None:
    """A port of any other service is told."""
    for name in set(SERVICES) - {"proxy"}:
        found = faults(_changed(lambda compose, name=name: compose["services"][name].update(ports=["1:1"])))
        assert [f"{name}: it publishes ports"] == found


def _faults_of_functions() -> Iterator[tuple[str, Callable[[Compose], Any], str]]:
    """For each function: what breaks, how, and what is told."""
    for name, card in FUNCTIONS.items():
        yield name, lambda c, n=name: c["services"].pop(n), "the function has no service"
        for variable in ("FUNCTION", "PORT", "WORKERS", "DATABASE_URL", "DCM2SET_MINIO_ACCESS_KEY"):
            yield (
                name,
                lambda c, n=name, v=variable: c["services"][n]["environment"].update({v: "99"}),
                f"{variable} is not as its card says",
            )
        other = next(key for key in FUNCTIONS.values() if key != card).function
        yield (
            name,
            lambda c, n=name, o=other: c["services"][n]["secrets"].append(
                {"source": f"{o}_store_key", "target": "DCM2SET_MINIO_SECRET_KEY"}
            ),
            "it has not its own DCM2SET_MINIO_SECRET_KEY",
        )
        yield name, lambda c, n=name: c["services"][n]["depends_on"].pop("provision"), "wait for provision"
        for caller in ("sweep", "timers"):
            if name != caller:
                yield (
                    name,
                    lambda c, k=caller: c["services"][k]["environment"].update(DCM2SET_FUNCTION_URLS="{}"),
                    f"{caller} does not know its URL",
                )


def test_a_function_that_is_not_served_as_its_card_says_is_told() -> None:
    """A function that was forgotten, or has other rights than its own, is told; so is a caller without it."""
    for name, change, told in _faults_of_functions():
        found = faults(_changed(change))
        assert [line for line in found if line.startswith(f"{name}: ") and told in line], (name, told, found)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_that_is_no_file_or_is_missing_is_told(name: str) -> None:
    """Each secret is missing, has its text in a variable, is a file elsewhere, or is used by nobody."""
    assert [line for line in faults(_changed(lambda c: c["secrets"].pop(name))) if f"names {name}," in line]
    for other in ({"environment": "SECRET"}, {"file": "/etc/passwd"}, {"external": True}):
        found = faults(_changed(lambda c, other=other: c["secrets"].update({name: other})))
        assert [f"{name}: it is no file in the folder of secrets"] == found
    assert ["more: nobody uses it"] == faults(
        _changed(lambda c: c["secrets"].update(more={"file": "./secrets/more"}))
    )


@pytest.mark.parametrize("name", ["postgres", "store", "timers", "provision", "prometheus"])
def test_what_need_not_leave_the_machine_does_not(name: str) -> None:
    """A database, store or timer on a network to the outside is told."""
    found = faults(_changed(lambda c: c["services"][name].update(networks=["edge"])))
    assert f"{name}: it is on a network that leaves the machine" in found


def test_a_variable_with_a_default_is_told() -> None:
    """A password, or any other variable of init-compose, must not have a default."""
    found = faults(
        _changed(lambda c: c["services"]["postgres"]["environment"].update(A="${SOME_PASSWORD:-change-me}"))
    )
    assert ["SOME_PASSWORD: the variable has a default, or none is asked for"] == found


def test_postgres_is_as_silent_as_that_of_a_home() -> None:
    """It logs no value of a row and no statement."""
    command = PostgresServer(ROOT, "").command(1)
    silent = {part for part in command if part.startswith("log_")}
    assert 3 == len(silent)
    assert silent <= {part.removeprefix("-c") for part in _shipped()["services"]["postgres"]["command"]}


def test_prometheus_asks_every_function_and_knows_the_alerts() -> None:
    """Each function is a target under the job name of the alerts, and the store is another."""
    prometheus = yaml.safe_load((FILE.parent / "prometheus.yml").read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in prometheus["scrape_configs"]}
    assert {"dcm2set": [f"{name}:8080" for name in sorted(FUNCTIONS)], "minio": ["store:9000"]} == jobs


def test_services_start_in_an_order() -> None:
    """No service waits for itself, and what runs once is waited for to its end."""
    services, started = _shipped()["services"], set()
    while len(started) < len(services):
        ready = {
            name for name, service in services.items() if set(service.get("depends_on", ())) <= started
        } - started
        assert ready, set(services) - started
        started |= ready
    assert ONE_SHOT <= started
