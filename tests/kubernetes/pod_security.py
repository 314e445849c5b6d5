"""The profile *restricted* of the Pod Security Standards (Kubernetes 1.34), as far as pods can break it.

https://kubernetes.io/docs/concepts/security/pod-security-standards
"""

from collections.abc import Iterator, Mapping
from typing import Any

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_SECCOMP = {"RuntimeDefault", "Localhost"}
Spec = Mapping[str, Any]


def pod_of(manifest: Mapping[str, Any]) -> Spec | None:
    """The specification of the pods of a manifest; None if it makes none."""
    spec = manifest.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    found: Spec | None = spec.get("template", {}).get("spec")
    return found


def violations(pod: Spec) -> list[str]:
    """What a pod does that the profile forbids, by the names of the controls."""
    return [
        *_of_pod(pod),
        *(each for container in _containers(pod) for each in _of_container(container, pod)),
    ]


def _containers(pod: Spec) -> Iterator[Spec]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod.get(kind, ())


def _of_pod(pod: Spec) -> Iterator[str]:
    if any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")):
        yield "host namespaces"
    for volume in pod.get("volumes", ()):
        if not volume.keys() - {"name"} <= _VOLUMES:
            yield f"volume {volume['name']}"
    if pod.get("securityContext", {}).get("sysctls"):
        yield "sysctls"


def _of_container(container: Spec, pod: Spec) -> Iterator[str]:
    own = container.get("securityContext", {})
    yield from _of_user({**pod.get("securityContext", {}), **own})
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "privilege escalation"
    if own.get("capabilities", {}).get("drop", []) != ["ALL"]:
        yield "capabilities"
    if set(own.get("capabilities", {}).get("add", ())) - {"NET_BIND_SERVICE"}:
        yield "added capabilities"
    if own.get("procMount", "Default") != "Default":
        yield "/proc"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield "host port"
    yield from _of_probes(container)


def _of_user(context: Spec) -> Iterator[str]:
    """Of what a container has from its pod unless it says otherwise."""
    if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
        yield "root"
    if context.get("seccompProfile", {}).get("type") not in _SECCOMP:
        yield "seccomp"


def _of_probes(container: Spec) -> Iterator[str]:
    for name in ("readinessProbe", "livenessProbe", "startupProbe"):
        for action in ("httpGet", "tcpSocket"):
            if container.get(name, {}).get(action, {}).get("host"):
                yield "host of a probe"
