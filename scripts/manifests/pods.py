"""The pod of a function: one container of the one image, confined as the profile *restricted* wants it.

https://kubernetes.io/docs/concepts/security/pod-security-standards
"""

from collections.abc import Mapping
from typing import Any

from common.settings import Settings
from infra.provision.function_card import FunctionCard, function_cards

Manifest = dict[str, Any]

NAMESPACE = "dcm2set"
IMAGE = "dcm2set"  # a kustomization of yours names the registry and the version
USER = 65532
PORT = 8080
SETTINGS, CA = "dcm2set-settings", "dcm2set-ca"
TOKEN_SECRET = "dcm2set-token"  # noqa: S105 a name
_SECRETS, _CA_FOLDER = "/run/secrets/dcm2set", "/run/ca"

# What a function needs beyond the others: one process of each function works on so many events at a time.
AT_A_TIME = int(Settings.model_fields["at_a_time"].default)
_FILE_MEBIBYTES = int(Settings.model_fields["megabytes_per_file"].default)
_LARGEST_FILE = int(Settings.model_fields["max_megabytes_per_file"].default)
_MEMORY = {  # limit in MiB
    "extract": 1024 + AT_A_TIME * _FILE_MEBIBYTES,
    "annotations": 2048,
    "review": 3072,  # pictures that were drawn ahead
}
_OTHERS_MEMORY = 1024
_TEMPORARY = {  # MiB of /tmp: originals and their pictures, label files, files of an archive
    "extract": AT_A_TIME * 2 * _LARGEST_FILE,
    "annotations": 4096,
    "poll_nas": 2 * 4096,
    "review": 4096,
}
_OTHERS_TEMPORARY = 256

CONTAINER_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def object_name(function: str) -> str:
    """The name of a function's objects; names in Kubernetes have no underscore."""
    return function.replace("_", "-")


def labels(component: str) -> dict[str, str]:
    """The labels of everything that belongs to one component."""
    return {"app.kubernetes.io/name": "dcm2set", "app.kubernetes.io/component": component}


def metadata(name: str, component: str, **others: Any) -> Manifest:
    """The metadata of an object."""
    return {"name": name, "namespace": NAMESPACE, "labels": labels(component)} | others


def url(function: str) -> str:
    """The address of a function inside the cluster, the same for a Service and a Knative Service."""
    return f"http://{object_name(function)}.{NAMESPACE}.svc/"


def pod(card: FunctionCard, *, most_replicas: int) -> Manifest:
    """The pod of a function."""
    temporary = _TEMPORARY.get(card.function, _OTHERS_TEMPORARY)
    return {
        "serviceAccountName": object_name(card.function),
        "automountServiceAccountToken": False,
        # Otherwise Kubernetes sets variables such as DCM2SET_…_PORT for each Service.
        "enableServiceLinks": False,
        "containers": [_container(card, most_replicas)],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": f"{temporary}Mi"}},
            secrets_volume(f"dcm2set-{object_name(card.function)}", TOKEN_SECRET),
            {"name": "ca", "configMap": {"name": CA}},
        ],
    }


def _container(card: FunctionCard, most_replicas: int) -> Manifest:
    memory = _MEMORY.get(card.function, _OTHERS_MEMORY)
    is_heavy = card.workers > 1
    return {
        "name": object_name(card.function),
        "image": IMAGE,
        "ports": [{"containerPort": PORT}],
        "envFrom": [{"configMapRef": {"name": SETTINGS}}],
        "env": variables(_environment(card, most_replicas)),
        "resources": {
            "requests": {"cpu": "1" if is_heavy else "100m", "memory": f"{memory // 2}Mi"},
            "limits": {"memory": f"{memory}Mi"} | ({} if is_heavy else {"cpu": "1"}),
        },
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": PORT},
            "periodSeconds": 10,
            "timeoutSeconds": 10,
            "failureThreshold": 3,
        },
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 the only folder that the container may write to
            {"name": "secrets", "mountPath": _SECRETS, "readOnly": True},
            {"name": "ca", "mountPath": _CA_FOLDER, "readOnly": True},
        ],
    }


def _environment(card: FunctionCard, most_replicas: int) -> dict[str, str]:
    found = {
        "FUNCTION": card.function,
        "WORKERS": "1",  # more of them are more pods
        "DCM2SET_SECRETS_DIR": _SECRETS,
        "DCM2SET_TOKEN_FILE": f"{_SECRETS}/tokens",
        "DCM2SET_MINIO_ACCESS_KEY": f"dcm2set-{card.function}",
        "DATABASE_URL": database_url(f"$(DATABASE_NAME)_{card.function}"),
    }
    if card.function == "sweep":
        # It sends requests for all replicas of a function at a time.
        found |= {"DCM2SET_WORKERS": str(most_replicas)} | calling_environment()
    return found


def calling_environment() -> dict[str, str]:
    """What a pod needs that calls functions, which speak plain HTTP (docs/kubernetes.md)."""
    urls = ", ".join(f'"{card.function}": "{url(card.function)}"' for card in function_cards())
    return {"DCM2SET_FUNCTION_URLS": f"{{{urls}}}", "DCM2SET_ALLOW_PLAINTEXT": "true"}


def database_url(user: str) -> str:
    """The URL of the database without a password; Kubernetes fills in the names in parentheses."""
    return f"postgresql://{user}@$(DATABASE_HOST)/$(DATABASE_NAME)?$(DATABASE_OPTIONS)"


def variables(values: Mapping[str, str]) -> list[Manifest]:
    """Environment variables, as a container lists them."""
    return [{"name": name, "value": value} for name, value in values.items()]


def secrets_volume(*names: str) -> Manifest:
    """A volume with a file for each key of Secrets.

    The files are in the pod's own memory, where it has one user, so every user may read them. To give them to
    the group of this user instead (fsGroup) is not possible for a pod of Knative.
    """
    sources = [{"secret": {"name": name}} for name in names]
    return {"name": "secrets", "projected": {"sources": sources, "defaultMode": 0o444}}


def one_shot_pod(
    name: str, command: list[str], environment: Mapping[str, str], volumes: list[Manifest]
) -> Manifest:
    """The pod of a job: it runs a command of dcm2set, and ends."""
    places = {"secrets": _SECRETS, "ca": _CA_FOLDER, "function-secrets": "/run/function-secrets"}
    mounts = [{"name": each["name"], "mountPath": places[each["name"]], "readOnly": True} for each in volumes]
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": pod_security(),
        "containers": [
            {
                "name": name,
                "image": IMAGE,
                "command": ["dcm2set", *command],
                "envFrom": [{"configMapRef": {"name": SETTINGS}}],
                "env": variables({"DCM2SET_SECRETS_DIR": _SECRETS} | environment),
                "resources": {
                    "requests": {"cpu": "100m", "memory": "128Mi"},
                    "limits": {"cpu": "1", "memory": "512Mi"},
                },
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *mounts],  # noqa: S108 the same
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}, *volumes],
    }


def pod_security() -> Manifest:
    """The security context of a pod."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def ca_volume() -> Manifest:
    """The volume with the certificate authority of the database and the object store."""
    return {"name": "ca", "configMap": {"name": CA}}
