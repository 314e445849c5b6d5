"""The manifests for Kubernetes: made from the cards, valid, confined, and complete."""

import re
from copy import deepcopy
from typing import Any

import pytest
import yaml

from common.settings import Settings, variable_name
from infra.provision.function_card import function_cards
from scripts.manifests.write import FOLDER, texts
from tests.kubernetes.loosened_pods import LOOSENED
from tests.kubernetes.manifest_schemas import faults, shipped
from tests.kubernetes.planted_faults import planted
from tests.kubernetes.pod_security import pod_of, violations
from tests.support.repository import ROOT

OBJECTS = shipped()
PODS = {name: pod for name, each in OBJECTS.items() if (pod := pod_of(each)) is not None}
FUNCTIONS = {card.function for card in function_cards()}
OF_FUNCTIONS = ("Deployment", "Service")


def _variables(pod: Any) -> dict[str, str]:
    return {each["name"]: each["value"] for container in pod["containers"] for each in container["env"]}


def test_the_files_are_what_the_cards_make() -> None:
    """`python -m scripts.manifests.write` changes nothing: no function and no timer is forgotten."""
    found = {str(path.relative_to(FOLDER)): path.read_text() for path in FOLDER.glob("*/*.yaml")}
    by_hand = {name for name in found if name.split("/")[0] in {"example", "mounted-nas"}}
    assert texts() == {name: text for name, text in found.items() if name not in by_hand}


@pytest.mark.parametrize(("folder", "kind"), [("base", "Deployment"), ("knative", "Service")])
def test_every_function_runs(folder: str, kind: str) -> None:
    """In both ways each function has one workload, which names it, its user and its role."""
    pods = [pod for name, pod in PODS.items() if name.startswith(f"{folder}/") and f" {kind} " in name]
    served = {_variables(pod)["FUNCTION"]: _variables(pod) for pod in pods}
    assert FUNCTIONS == set(served)
    for function, variables in served.items():
        assert f"dcm2set-{function}" == variables["DCM2SET_MINIO_ACCESS_KEY"]
        assert f"//$(DATABASE_NAME)_{function}@" in variables["DATABASE_URL"]


def test_every_timer_has_a_job() -> None:
    """Each function with a timer is called each minute, one run at a time; so are erasures carried out."""
    jobs = {name: each["spec"] for name, each in OBJECTS.items() if " CronJob " in name}
    called = [
        each["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"] for each in jobs.values()
    ]
    expected = [["dcm2set", "timers", "--once", card.function] for card in function_cards() if card.timer]
    assert sorted([["dcm2set", "erase", "--asked"], *expected]) == sorted(called)
    assert {"Forbid"} == {each["concurrencyPolicy"] for each in jobs.values()}


def test_a_pod_of_knative_gets_as_many_requests_as_admission_lets_in() -> None:
    """More would only be answered that the function is full; without admission it is the threads."""
    at_a_time = Settings.model_fields["at_a_time"].default
    expected = {card.function: at_a_time if card.events else card.threads for card in function_cards()}
    found = {
        _variables(pod)["FUNCTION"]: pod["containerConcurrency"]
        for name, pod in PODS.items()
        if name.startswith("knative/")
    }
    assert expected == found


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_valid_and_a_fault_in_it_is_found(name: str) -> None:
    """By the schema of its kind; each planted fault is refused."""
    assert [] == faults(OBJECTS[name])
    assert [] == [fault for fault, copy in planted(OBJECTS[name]) if not faults(copy)]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_restricted_and_a_loosened_one_is_found(name: str) -> None:
    """Every control of the profile *restricted* holds, and the check names the one that was given up."""
    assert [] == violations(PODS[name])
    for control, loosen in LOOSENED.items():
        copy = deepcopy(PODS[name])
        loosen(copy)
        assert [control] == violations(copy)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_can_write_to_its_temporary_folder_only(name: str) -> None:
    """Its root is read-only, its account has no token, and it has a limit of memory."""
    pod = PODS[name]
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    writable = [each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")]
    assert ["/tmp"] == writable
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert container["resources"]["limits"]["memory"]


def test_no_secret_is_shipped_and_each_is_documented() -> None:
    """Secrets come as files from objects that the user makes; docs/kubernetes.md names every one."""
    assert [] == [name for name, each in OBJECTS.items() if each["kind"] == "Secret"]
    needed = {name for each in OBJECTS.values() for name in _needed(each)}
    page = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    functions = {f"dcm2set-{function.replace('_', '-')}" for function in FUNCTIONS}
    assert {"dcm2set-token", "dcm2set-operator", "dcm2set-ca"} == needed - functions
    assert functions <= needed
    assert [] == [name for name in needed - functions if f"`{name}`" not in page]
    secret = [
        variable_name(name) for name, field in Settings.model_fields.items() if "SecretStr" in str(field)
    ]
    settings = (FOLDER / "shared" / "settings.env").read_text()
    assert [] == [name for name in secret if re.search(rf"^{name}=", settings, re.MULTILINE)]


def _needed(value: Any) -> set[str]:
    """The names of Secrets and ConfigMaps that an object mounts, or from which the monitor has its token."""
    if isinstance(value, list):
        return {name for each in value for name in _needed(each)}
    if not isinstance(value, dict):
        return set()
    mounted = {each["name"] for kind in ("secret", "configMap", "credentials") if (each := value.get(kind))}
    return mounted | {name for each in value.values() for name in _needed(each)}


def test_nobody_may_talk_to_a_pod_unless_a_policy_says_so() -> None:
    """Everything is refused first; then each function has one policy with its callers."""
    for folder in ("base", "knative"):
        found = {
            each["metadata"]["name"]: each["spec"]
            for name, each in OBJECTS.items()
            if name.startswith(f"{folder}/network ")
        }
        assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} == found["nobody"]
        assert {function.replace("_", "-") for function in FUNCTIONS} <= found.keys()
        # Of the functions that read originals, extract alone never needs another machine than these two.
        reached = [
            rule
            for spec in found.values()
            for rule in spec.get("egress", ())
            if _selects(spec["podSelector"], "extract") and spec["podSelector"]
        ]
        assert [{"ports": [{"port": 5432, "protocol": "TCP"}, {"port": 9000, "protocol": "TCP"}]}] == reached


def _selects(selector: dict[str, Any], component: str) -> bool:
    expressions = selector.get("matchExpressions", ())
    named = selector.get("matchLabels", {}).get("app.kubernetes.io/component", component)
    return named == component and all(component in each["values"] for each in expressions)


def test_the_example_uses_what_is_there() -> None:
    """Its settings are settings, and its folders exist."""
    example = yaml.safe_load((FOLDER / "example" / "kustomization.yaml").read_text())
    own = {line.partition("=")[0] for line in (FOLDER / "shared" / "settings.env").read_text().splitlines()}
    known = {variable_name(name) for name in Settings.model_fields} | own
    names = {line.partition("=")[0] for line in example["configMapGenerator"][0]["literals"]}
    assert names <= known
    folders = [*example["resources"], *example["components"]]
    assert [] == [name for name in folders if not (FOLDER / "example" / name / "kustomization.yaml").exists()]
