"""What to enter in Label Studio: its storages, their keys, and the labelling interface.

Sources: labelstud.io/guide/storage, "Amazon S3", and labelstud.io/tags/choices.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from common.store.label_batch import Batch
from infra.labelling.minio_user import LABELS_PREFIX
from infra.labelling.tasks import WrittenTasks


def instructions(
    batch: Batch, written: WrittenTasks, minio: dict[str, Any], *, keys: Path, labels: Sequence[str]
) -> dict[str, Any]:
    """How many tasks were written, and what to enter in Label Studio.

    `minio` is the part of endpoints.json; `keys` is the file with the keys of the storages.
    """
    return {
        **asdict(written),
        "storages": storages(batch, minio),
        "keys": str(keys),
        "labelling_config": labelling_interface(labels) if labels else None,
    }


def storages(batch: Batch, minio: dict[str, Any]) -> dict[str, dict[str, object]]:
    """The fields of the source storage and the target storage, by their names in Label Studio's API."""
    scheme = "https" if minio["secure"] else "http"
    common = {"s3_endpoint": f"{scheme}://{minio['endpoint']}", "region_name": "us-east-1"}
    source = {"bucket": "labelling", "prefix": batch.tasks.rstrip("/"), "regex_filter": r".*\.json"}
    flags = {"use_blob_urls": False, "presign": False, "recursive_scan": True}
    target = {"bucket": "annotations", "prefix": f"{LABELS_PREFIX}{batch.name}"}
    return {"source": {**source, **flags, **common}, "target": {**target, **common}}


def labelling_interface(labels: Sequence[str]) -> str:
    """A labelling interface as XML: the image, and every label as a choice; several may be chosen."""
    view = Element("View")
    SubElement(view, "Image", name="image", value="$image", zoom="true", zoomControl="true")
    choices = SubElement(view, "Choices", name="labels", toName="image", choice="multiple")
    for label in labels:
        SubElement(choices, "Choice", value=label)
    indent(view)
    return tostring(view, encoding="unicode")


def instructions_text(result: dict[str, Any]) -> str:
    """The same as text for a terminal."""
    counts = "{written} task(s) written, {there} existed already, {gone} image(s) moved or deleted meanwhile."
    lines = [counts.format(**result)]
    for storage, fields in result["storages"].items():
        lines.append(f"In Label Studio, Settings, Cloud Storage, {storage} storage, Amazon S3, enter:")
        lines += [f"  {name:<14} {value}" for name, value in fields.items()]
    lines.append(f"The access key and the secret key are in {result['keys']}.")
    if result["labelling_config"]:
        lines += ["In Settings, Labeling Interface, Code, enter:", result["labelling_config"]]
    return "\n".join(lines)
