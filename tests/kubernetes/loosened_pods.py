"""Pods that each give up one control of the profile *restricted*, by the names of pod_security.py."""

from collections.abc import Callable
from typing import Any


def _security(pod: Any) -> Any:
    return pod["containers"][0]["securityContext"]


LOOSENED: dict[str, Callable[[Any], object]] = {
    "host namespaces": lambda pod: pod.update(hostPID=True),
    "volume host": lambda pod: pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    "sysctls": lambda pod: pod.setdefault("securityContext", {}).update(
        sysctls=[{"name": "a", "value": "b"}]
    ),
    "privileged": lambda pod: _security(pod).update(privileged=True),
    "privilege escalation": lambda pod: _security(pod).pop("allowPrivilegeEscalation"),
    "capabilities": lambda pod: _security(pod).pop("capabilities"),
    "added capabilities": lambda pod: _security(pod)["capabilities"].update(add=["SYS_ADMIN"]),
    "root": lambda pod: _security(pod).update(runAsUser=0),
    "seccomp": lambda pod: _security(pod).update(seccompProfile={"type": "Unconfined"}),
    "/proc": lambda pod: _security(pod).update(procMount="Unmasked"),
    "host port": lambda pod: pod["containers"][0].update(ports=[{"containerPort": 8080, "hostPort": 80}]),
    "host of a probe": lambda pod: pod["containers"][0].update(
        livenessProbe={"tcpSocket": {"host": "10.0.0.1", "port": 80}}
    ),
}
