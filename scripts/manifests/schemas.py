"""Write the schemas by which the tests judge the manifests, to tests/kubernetes/schemas.

They are taken from the sources of Kubernetes, Knative Serving and the Prometheus Operator (all Apache-2.0),
from their Go modules, without descriptions, and with the definitions that the manifests need alone. An object
with listed properties has no others, as the API server has it under ``--validate=strict``::

    python -m scripts.manifests.schemas    # needs Go; the modules are verified by Go's checksum database
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from scripts.manifests.write import manifests

SCHEMAS = Path(__file__).resolve().parents[2] / "tests" / "kubernetes" / "schemas"
MODULES = {
    "kubernetes": "k8s.io/kubernetes@v1.34.3",
    "knative": "knative.dev/serving@v0.51.0",
    "prometheus-operator": "github.com/prometheus-operator/prometheus-operator@v0.85.0",
}
_FOLDERS = {"knative": "config/core/300-resources", "prometheus-operator": "example/prometheus-operator-crd"}
_KEPT = (
    "type", "required", "enum", "properties", "items", "additionalProperties", "$ref", "pattern", "minimum",
    "maximum", "minLength", "maxLength", "anyOf", "oneOf", "allOf", "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
)  # fmt: skip
_ANY_NUMBER_OR_TEXT = {"type": ["integer", "string"]}
Schema = dict[str, Any]


def module_folder(module: str) -> Path:
    """The folder of a Go module, downloaded if need be."""
    environment = os.environ | {"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    command = ["go", "mod", "download", "-json", module]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return Path(json.loads(done.stdout)["Dir"])


def closed(schema: Any, *, is_top: bool = False) -> Any:
    """A schema without descriptions, whose objects have the listed properties alone."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return _ANY_NUMBER_OR_TEXT
    found = {name: schema[name] for name in _KEPT if name in schema}
    is_open = bool(found.pop("x-kubernetes-preserve-unknown-fields", False))
    for name in ("items", "additionalProperties"):
        if name in found:
            found[name] = closed(found[name])
    for name in ("anyOf", "oneOf", "allOf"):
        found.pop(name, None)  # of single fields; those that tell numbers from text are dealt with above
    if "properties" in found:
        # What the server writes is in no manifest.
        names = [name for name in found["properties"] if not (is_top and name == "status")]
        found["properties"] = {name: closed(found["properties"][name]) for name in names}
        if not is_open:
            found.setdefault("additionalProperties", False)
    return found


def kubernetes_schemas(kinds: set[tuple[str, str]]) -> Schema:
    """The definitions of Kubernetes' own kinds, and all that they refer to."""
    path = module_folder(MODULES["kubernetes"]) / "api" / "openapi-spec" / "swagger.json"
    definitions = json.loads(path.read_text(encoding="utf-8"))["definitions"]
    roots = {}
    for name, definition in definitions.items():
        for kind in definition.get("x-kubernetes-group-version-kind", ()):
            version = "/".join(filter(None, (kind["group"], kind["version"])))
            if (version, kind["kind"]) in kinds:
                roots[f"{version} {kind['kind']}"] = name
    kept: Schema = {}
    waiting = list(roots.values())
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = closed(definitions[name], is_top=name in roots.values())
            waiting += _references(kept[name])
    return {"roots": roots, "definitions": dict(sorted(kept.items()))}


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].removeprefix("#/definitions/")
        schema = list(schema.values())
    if isinstance(schema, list):
        for each in schema:
            yield from _references(each)


class _Loader(yaml.SafeLoader):
    """Reads a lone equals sign as text, as YAML 1.2 does."""


_Loader.add_constructor("tag:yaml.org,2002:value", yaml.SafeLoader.construct_yaml_str)


def definition_schemas(project: str, kinds: set[tuple[str, str]]) -> Schema:
    """The schemas in a project's CustomResourceDefinitions."""
    folder = module_folder(MODULES[project]) / _FOLDERS[project]
    roots, definitions = {}, {}
    for path in sorted(folder.glob("*.yaml")):
        for crd in yaml.load_all(path.read_text(encoding="utf-8"), Loader=_Loader):
            spec = (crd or {}).get("spec", {})
            for version in spec.get("versions", ()):
                kind = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                if kind in kinds:
                    schema = closed(version["schema"]["openAPIV3Schema"], is_top=True)
                    schema["properties"]["metadata"] = {"type": "object"}
                    roots[" ".join(kind)] = kind[1]
                    definitions[kind[1]] = schema
    return {"roots": roots, "definitions": definitions}


def main() -> None:
    """Write one file for each project."""
    kinds = {(each["apiVersion"], each["kind"]) for objects in manifests().values() for each in objects}
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    for project, module in MODULES.items():
        made = kubernetes_schemas(kinds) if project == "kubernetes" else definition_schemas(project, kinds)
        content = {"origin": module, "licence": "Apache-2.0"} | made
        (SCHEMAS / f"{project}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
