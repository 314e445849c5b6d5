"""The manifests before a real API server: every object is accepted, and every planted fault refused.

``python -m tests.kubernetes.check`` (make manifests). It needs Go, etcd and openssl, and no cluster.
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import yaml

from scripts.manifests.schemas import MODULES, module_folder
from tests.kubernetes.api_server import ApiServer, program, running_api_server
from tests.kubernetes.loosened_pods import LOOSENED
from tests.kubernetes.manifest_schemas import FOLDER, shipped
from tests.kubernetes.planted_faults import planted
from tests.kubernetes.pod_security import pod_of

Manifest = dict[str, Any]
_CRDS = {"knative": "config/core/300-resources", "prometheus-operator": "example/prometheus-operator-crd"}


def check(server: ApiServer, say: Callable[[str], None]) -> list[str]:
    """Everything that is wrong; each line names an object."""
    for project, folder in _CRDS.items():
        path = module_folder(MODULES[project]) / folder
        done = server.kubectl("apply", "--server-side", "-f", str(path))
        if done.returncode != 0:
            return [f"The definitions of {project} were refused: {done.stderr}"]
    namespace = str(FOLDER / "shared" / "namespace.yaml")
    wrong = _not_accepted("namespace", server.kubectl("apply", "--validate=strict", "-f", namespace), 1)
    for name in ("base", "knative", "example"):
        wrong += _rendered(server, name, say)
    wrong += _planted(server, say)
    return wrong + _loosened(server, say)


def _rendered(server: ApiServer, name: str, say: Callable[[str], None]) -> list[str]:
    """What a kustomization gives, as a person would apply it."""
    made = server.kubectl("kustomize", str(FOLDER / name))
    if made.returncode != 0:
        return [f"{name}: {made.stderr}"]
    number = sum(1 for each in yaml.safe_load_all(made.stdout) if each)
    done = server.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=made.stdout)
    accepted, warnings = len(done.stdout.splitlines()), done.stderr.count("Warning")
    say(f"{name}: {number} objects, {accepted} accepted, {warnings} warnings")
    return _not_accepted(name, done, number)


def _not_accepted(name: str, done: Any, number: int) -> list[str]:
    if done.returncode == 0 and not done.stderr and len(done.stdout.splitlines()) == number:
        return []
    return [f"{name}: {done.stderr or done.stdout}"]


def _planted(server: ApiServer, say: Callable[[str], None]) -> list[str]:
    """Each object alone, and copies with one fault each: the first fault of a file would hide the next."""
    wrong, number = [], 0
    for name, each in shipped().items():
        if each["kind"] != "Namespace":  # it is there already
            answer = server.dry_run(each)
            if answer.status != 201 or answer.warnings:
                wrong.append(f"{name}: {answer}")
        for fault, copy in planted(each):
            number += 1
            if server.dry_run(copy).status not in {400, 404, 422}:
                wrong.append(f"{name}: {fault} was accepted")
    say(f"{number} planted faults in {len(shipped())} objects")
    return wrong


def _loosened(server: ApiServer, say: Callable[[str], None]) -> list[str]:
    """Each pod as it would be made is accepted without a warning; each that gives up a control is refused."""
    wrong, refused = [], Counter[int]()
    for name, each in shipped().items():
        pod = pod_of(each)
        if pod is None:
            continue
        own = _pod(pod)
        answer = server.dry_run(own)
        if answer.status != 201 or answer.warnings:
            wrong.append(f"{name}: its pod: {answer}")
        for control, loosen in LOOSENED.items():
            copy = deepcopy(own)
            loosen(copy["spec"])
            answer = server.dry_run(copy)
            refused[answer.status] += 1
            # Some are no valid pod either, which is found first.
            if answer.status != 422 and "violates PodSecurity" not in answer.message:
                wrong.append(f"{name}: {control}: {answer}")
        wrong += _unwarned(server, name, each)
    say(f"pods that give up a control: {refused[403]} refused by Pod Security, {refused[422]} no valid pods")
    return wrong


def _unwarned(server: ApiServer, name: str, workload: Manifest) -> list[str]:
    """A workload whose pods run as root is accepted with a warning, so no warning says that all is well."""
    if workload["apiVersion"].startswith("serving.knative.dev"):
        return []  # Knative makes a Deployment of it
    copy = deepcopy(workload)
    LOOSENED["root"](pod_of(copy))
    answer = server.dry_run(copy)
    return (
        [] if any("would violate PodSecurity" in text for text in answer.warnings) else [f"{name}: {answer}"]
    )


def _pod(spec: Mapping[str, Any]) -> Manifest:
    """A pod of a template. Knative sets what its own template may not have."""
    own = {
        name: value for name, value in spec.items() if name not in {"containerConcurrency", "timeoutSeconds"}
    }
    metadata = {"name": "tried", "namespace": "dcm2set"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": deepcopy(own)}


def main(arguments: Sequence[str]) -> int:
    """Build what is missing, check, and print what is wrong; the exit code is 1 then."""
    if arguments == ["--build"]:
        print(program())  # noqa: T201
        return 0
    with running_api_server() as server:
        wrong = check(server, print)
    print("\n".join(wrong) or "Everything was accepted, and every planted fault refused.")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
