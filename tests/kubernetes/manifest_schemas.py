"""What the schemas in tests/kubernetes/schemas say about a manifest."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft4Validator

from tests.support.repository import ROOT

SCHEMAS = Path(__file__).parent / "schemas"
FOLDER = ROOT / "infra" / "kubernetes"
Manifest = dict[str, Any]


def shipped() -> dict[str, Manifest]:
    """Every object in the folders shared, base and knative, by its file, kind and name."""
    found = {}
    for folder in ("shared", "base", "knative"):
        for path in sorted((FOLDER / folder).glob("*.yaml")):
            if path.name != "kustomization.yaml":
                for each in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                    found[f"{folder}/{path.stem} {each['kind']} {each['metadata']['name']}"] = each
    return found


def faults(manifest: Mapping[str, Any]) -> list[str]:
    """What is wrong with a manifest by the schema of its kind; empty if nothing is."""
    kind = f"{manifest.get('apiVersion')} {manifest.get('kind')}"
    if kind not in _validators():
        return [f"There is no schema of {kind}."]
    return [
        f"{'/'.join(map(str, error.path))}: {error.message}"
        for error in _validators()[kind].iter_errors(manifest)
    ]


@cache
def _validators() -> Mapping[str, Draft4Validator]:
    found = {}
    for path in SCHEMAS.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        for kind, name in content["roots"].items():
            schema = {"$ref": f"#/definitions/{name}", "definitions": content["definitions"]}
            found[kind] = Draft4Validator(schema)
    return found
