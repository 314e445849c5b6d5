"""The objects of a function: as a Deployment that grows with its load, or as a Knative Service."""

from infra.provision.function_card import FunctionCard
from scripts.manifests.pods import AT_A_TIME, PORT, Manifest, labels, metadata, object_name, pod, pod_security

MOST_REPLICAS = 8
_LEAST_REPLICAS = 2  # of a function that takes events: one may be moved while the other works
_LONGEST_ANSWER = 600  # seconds; the most that Knative allows unless its administrator allows more


def account(card: FunctionCard) -> Manifest:
    """An account of its own, without any right in the cluster."""
    name = object_name(card.function)
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(name, name),
        "automountServiceAccountToken": False,
    }


def deployed(card: FunctionCard) -> list[Manifest]:
    """Deployment, Service and the rest of a function."""
    found = [account(card), _deployment(card), _service(card), _disruption_budget(card)]
    return [*found, _autoscaler(card)] if card.events else found


def _deployment(card: FunctionCard) -> Manifest:
    name = object_name(card.function)
    template = pod(card, most_replicas=MOST_REPLICAS)
    (container,) = template["containers"]
    container["ports"] = [{"name": "http", "containerPort": PORT}]
    container["startupProbe"] = {
        "httpGet": {"path": "/ready", "port": PORT},
        "periodSeconds": 2,
        "timeoutSeconds": 10,
        "failureThreshold": 60,
    }
    # Not GET /, which asks the database and the store: if they are away, a restart would not help.
    container["livenessProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 20, "failureThreshold": 6}
    # Nobody sends to the pod any more when it gets SIGTERM.
    container["lifecycle"] = {"preStop": {"sleep": {"seconds": 5}}}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels(name)},
    }
    confined = {"securityContext": pod_security(), "terminationGracePeriodSeconds": 60}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name, name),
        "spec": {
            **({} if card.events else {"replicas": 1}),  # otherwise the autoscaler says how many
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": labels(name)},
            # New pods first: functions of two versions may run side by side.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels(name)},
                "spec": confined | template | {"topologySpreadConstraints": [spread]},
            },
        },
    }


def _service(card: FunctionCard) -> Manifest:
    name = object_name(card.function)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, name),
        "spec": {
            "selector": labels(name),
            "ports": [{"name": "http", "port": 80, "targetPort": PORT, "appProtocol": "http"}],
        },
    }


def _disruption_budget(card: FunctionCard) -> Manifest:
    name = object_name(card.function)
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(name, name),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": labels(name)},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def _autoscaler(card: FunctionCard) -> Manifest:
    name = object_name(card.function)
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(name, name),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": _LEAST_REPLICAS,
            "maxReplicas": MOST_REPLICAS,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
                }
            ],
            # A folder of the NAS comes in bursts; pods that are ended early would start again soon.
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
        },
    }


def concurrency(card: FunctionCard) -> int:
    """Requests that a pod takes at a time: the slots of its admission, or its threads if it has none."""
    return AT_A_TIME if card.events else card.threads


def knative(card: FunctionCard) -> list[Manifest]:
    """A Knative Service, which has no pod while nothing is sent to it."""
    name = object_name(card.function)
    is_page = card.function == "review"
    bounds = {
        # The page keeps pictures in its memory, and persons wait for it.
        "autoscaling.knative.dev/min-scale": "1" if is_page else "0",
        "autoscaling.knative.dev/max-scale": str(MOST_REPLICAS if card.events else 1),
    }
    hidden = {} if is_page else {"networking.knative.dev/visibility": "cluster-local"}
    template = pod(card, most_replicas=MOST_REPLICAS)
    service = {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": metadata(name, name, labels=labels(name) | hidden),
        "spec": {
            "template": {
                "metadata": {"labels": labels(name), "annotations": bounds},
                "spec": {
                    "containerConcurrency": concurrency(card),
                    "timeoutSeconds": _LONGEST_ANSWER,
                    **template,
                },
            }
        },
    }
    return [account(card), service]
