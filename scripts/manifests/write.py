"""Write the manifests in infra/kubernetes, from the cards of the functions.

``python -m scripts.manifests.write``; a test compares the files with what this writes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from infra.provision.function_card import function_cards
from scripts.manifests.pods import NAMESPACE, SETTINGS, Manifest, object_name
from scripts.manifests.shared import erasures, monitoring, namespace, policies, provision, timers
from scripts.manifests.workloads import deployed, knative

FOLDER = Path(__file__).resolve().parents[2] / "infra" / "kubernetes"
_HEAD = "# Made from the cards of the functions: python -m scripts.manifests.write makes it again.\n"
# TCP ports of the proxy that Knative puts into each pod: HTTP, HTTP/2, TLS, its state, its load.
_KNATIVE_PORTS = (8012, 8013, 8112, 8022, 9090)


def manifests() -> dict[str, list[Manifest]]:
    """The objects of each file."""
    cards = function_cards()
    files = {
        "shared/namespace.yaml": [namespace()],
        "shared/provision.yaml": provision(),
        "shared/erasures.yaml": erasures(),
        "shared/timers.yaml": timers(),
        "base/network.yaml": policies(),
        "base/monitoring.yaml": monitoring("ServiceMonitor", {"port": "http"}),
        "knative/network.yaml": policies(gateway_ports=_KNATIVE_PORTS),
        "knative/monitoring.yaml": monitoring("PodMonitor", {"portNumber": 8080}),
    }
    files |= {f"base/{object_name(card.function)}.yaml": deployed(card) for card in cards}
    files |= {f"knative/{object_name(card.function)}.yaml": knative(card) for card in cards}
    return files


def texts() -> dict[str, str]:
    """The text of each file below infra/kubernetes that is made from the cards."""
    found = {name: _text(objects) for name, objects in manifests().items()}
    for folder in ("shared", "base", "knative"):
        own = sorted(Path(name).name for name in found if name.startswith(f"{folder}/"))
        others = [] if folder == "shared" else ["../shared"]
        found[f"{folder}/kustomization.yaml"] = _text([_kustomization([*others, *own], folder)])
    return found


def _kustomization(resources: Sequence[str], folder: str) -> Manifest:
    found: Manifest = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(resources),
    }
    if folder == "shared":
        # Its name ends with a digest of its contents, so that pods start again when a setting changes.
        settings = {"name": SETTINGS, "namespace": NAMESPACE, "envs": ["settings.env"]}
        found["configMapGenerator"] = [settings]
    return found


class _Dumper(yaml.SafeDumper):
    """YAML as persons write it: lists are indented, no part refers to another."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT002
        super().increase_indent(flow, False)


def _text(objects: Sequence[Mapping[str, object]]) -> str:
    documents = (yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=110) for each in objects)
    return _HEAD + "---\n".join(documents)


def main() -> None:
    """Write every file, and remove those of functions that are gone."""
    found = texts()
    for folder in ("shared", "base", "knative"):
        (FOLDER / folder).mkdir(parents=True, exist_ok=True)
        for path in (FOLDER / folder).glob("*.yaml"):
            if f"{folder}/{path.name}" not in found:
                path.unlink()
    for name, text in found.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
