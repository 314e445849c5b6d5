"""The objects that do not belong to one function: jobs, timers, policies, monitoring, the namespace."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from infra.provision.function_card import FunctionCard, function_cards
from scripts.manifests.pods import (
    NAMESPACE,
    PORT,
    TOKEN_SECRET,
    Manifest,
    ca_volume,
    calling_environment,
    database_url,
    labels,
    metadata,
    object_name,
    one_shot_pod,
    secrets_volume,
)

ALERTS = Path(__file__).resolve().parents[2] / "infra" / "monitoring" / "alerts.yml"
OPERATOR_SECRET = "dcm2set-operator"  # noqa: S105 a name
_PASSWORDS = ("DCM2SET_MINIO_SECRET_KEY", "DCM2SET_DATABASE_PASSWORD")
_TIMERS = "timers"
_ERASURES = "erasures"
KUBERNETES = "v1.34"


def namespace() -> Manifest:
    """The namespace, which refuses every pod that is not as the profile *restricted* wants it."""
    levels = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "audit", "warn")
        for suffix, value in (("", "restricted"), ("-version", KUBERNETES))
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": levels}}


def job_account(name: str) -> Manifest:
    """The account of a job, without any right in the cluster."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(name, name),
        "automountServiceAccountToken": False,
    }


def provision() -> list[Manifest]:
    """A job that sets up the database and the store; it may run at every upgrade."""
    files = [
        {
            "secret": {
                "name": f"dcm2set-{object_name(card.function)}",
                "items": [{"key": key, "path": f"{card.function}/{key}"} for key in _PASSWORDS],
            }
        }
        for card in function_cards()
    ]
    functions = {"name": "function-secrets", "projected": {"sources": files, "defaultMode": 0o444}}
    environment = {"DCM2SET_FUNCTION_SECRETS": "/run/function-secrets"} | _operator_environment()
    volumes = [secrets_volume(OPERATOR_SECRET), ca_volume(), functions]
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata("provision", "provision"),
        "spec": {
            "backoffLimit": 6,
            "activeDeadlineSeconds": 1800,
            "ttlSecondsAfterFinished": 3600,  # a job can't be changed: the next version's needs its name
            "template": {
                "metadata": {"labels": labels("provision")},
                "spec": one_shot_pod("provision", ["provision", "--wait", "120"], environment, volumes),
            },
        },
    }
    return [job_account("provision"), job]


def timers() -> list[Manifest]:
    """A CronJob for each function that runs at intervals: each minute, until it has no more to do."""
    return [job_account(_TIMERS), *(_timer(card) for card in function_cards() if card.timer)]


def erasures() -> list[Manifest]:
    """A CronJob with the operator's keys for the erasures that are asked for on the page."""
    volumes = [secrets_volume(OPERATOR_SECRET), ca_volume()]
    spec = one_shot_pod(_ERASURES, ["erase", "--asked"], _operator_environment(), volumes)
    return [job_account(_ERASURES), _each_minute(_ERASURES, _ERASURES, spec)]


def _operator_environment() -> dict[str, str]:
    return {
        "DCM2SET_MINIO_ACCESS_KEY": "$(STORE_OPERATOR)",
        "DATABASE_URL": database_url("$(DATABASE_OPERATOR)"),
    }


def _timer(card: FunctionCard) -> Manifest:
    environment = {"DCM2SET_TOKEN_FILE": "/run/secrets/dcm2set/tokens"} | calling_environment()
    command, volumes = ["timers", "--once", card.function], [secrets_volume(TOKEN_SECRET)]
    spec = one_shot_pod(_TIMERS, command, environment, volumes)
    return _each_minute(object_name(card.function), _TIMERS, spec)


def _each_minute(name: str, component: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(name, component),
        "spec": {
            "schedule": "* * * * *",
            "concurrencyPolicy": "Forbid",  # a run lasts for as long as there is work
            "startingDeadlineSeconds": 60,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 0,  # the next one comes in a minute
                    "activeDeadlineSeconds": 3600,
                    "template": {"metadata": {"labels": labels(component)}, "spec": spec},
                }
            },
        },
    }


def monitoring(kind: str, endpoint: Mapping[str, Any]) -> list[Manifest]:
    """What the Prometheus Operator needs to ask every pod for metrics, and the alerts."""
    authorization = {"type": "Bearer", "credentials": {"name": TOKEN_SECRET, "key": "token"}}
    rename = [{"targetLabel": "job", "replacement": "dcm2set"}]  # the alerts and the dashboard know this name
    endpoints = "endpoints" if kind == "ServiceMonitor" else "podMetricsEndpoints"
    asked = {"path": "/metrics", "interval": "15s", "authorization": authorization, "relabelings": rename}
    names = [object_name(card.function) for card in function_cards()]
    components = {"key": "app.kubernetes.io/component", "operator": "In", "values": names}
    monitor = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": kind,
        "metadata": metadata("dcm2set", "monitoring"),
        "spec": {
            "selector": {
                "matchLabels": {"app.kubernetes.io/name": "dcm2set"},
                "matchExpressions": [components],
            },
            endpoints: [{**endpoint, **asked}],
        },
    }
    alerts = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": metadata("dcm2set", "monitoring"),
        "spec": alerts,
    }
    return [monitor, rule]


def policies(*, gateway_ports: Sequence[int] = ()) -> list[Manifest]:
    """Who may talk to whom. With Knative, its gateway and activator stand between callers and pods.

    `gateway_ports` are the TCP ports of a pod to which they send.
    """
    found = [_policy("nobody", {}, {"policyTypes": ["Ingress", "Egress"]})]
    dns = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    cluster = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}
    names = _egress([{"to": [cluster], "ports": dns}])
    found.append(_policy("names", {}, names))
    servers = _egress([{"ports": _ports(5432, 9000)}])
    workers = [*(object_name(card.function) for card in function_cards()), "provision", _ERASURES]
    found.append(_policy("servers", {"matchExpressions": [_component(*workers)]}, servers))
    found += [_ingress(card, gateway_ports) for card in function_cards()]
    functions = [object_name(card.function) for card in function_cards()]
    targets: list[Manifest] = [{"podSelector": {"matchExpressions": [_component(*functions)]}}]
    ways = [{"to": targets, "ports": _ports(PORT)}]
    if gateway_ports:
        ways = [{"to": [_namespace("gateway")]}]
    found.append(_policy("callers", {"matchExpressions": [_component("sweep", _TIMERS)]}, _egress(ways)))
    found.append(_policy("nas", {"matchLabels": labels("poll-nas")}, _egress([{"ports": _ports(443, 5001)}])))
    found.append(_policy("sign-in", {"matchLabels": labels("review")}, _egress([{"ports": _ports(443)}])))
    return found


def _ingress(card: FunctionCard, gateway_ports: Sequence[int]) -> Manifest:
    """Who may call one function."""
    callers: list[Manifest] = []
    if gateway_ports:
        callers.append({"from": [_namespace("gateway")], "ports": _ports(*gateway_ports)})
    else:
        near = [name for name, calls in (("sweep", card.events), (_TIMERS, card.timer)) if calls]
        peers = [{"podSelector": {"matchExpressions": [_component(*near)]}}]
        if card.events:
            peers.append(_namespace("store"))
        if card.function == "review":
            peers.append(_namespace("ingress"))
        callers.append({"from": peers, "ports": _ports(PORT)})
    callers.append({"from": [_namespace("monitoring")], "ports": _ports(PORT)})
    name = object_name(card.function)
    return _policy(name, {"matchLabels": labels(name)}, {"policyTypes": ["Ingress"], "ingress": callers})


def _namespace(role: str) -> Manifest:
    """All pods of the namespaces that a person has labelled with a role."""
    return {"namespaceSelector": {"matchLabels": {f"dcm2set/{role}": "true"}}}


def _component(*names: str) -> Manifest:
    return {"key": "app.kubernetes.io/component", "operator": "In", "values": list(names)}


def _ports(*numbers: int) -> list[Manifest]:
    return [{"port": number, "protocol": "TCP"} for number in numbers]


def _egress(rules: list[Manifest]) -> Manifest:
    return {"policyTypes": ["Egress"], "egress": rules}


def _policy(name: str, pods: Manifest, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(name, "network"),
        "spec": {"podSelector": pods, **spec},
    }
