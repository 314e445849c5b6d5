"""Commands about what annotators are given."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson
import psycopg

from infra.command_options import home_option, operator_store
from infra.labelling.labelling_tasks import Batch
from infra.labelling.labelling_user import HANDED_IN, labelling_keys, labelling_keys_file
from infra.local.home import Home, read_endpoints
from infra.training_sets.commands import check_packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.labelling.labelling_tasks import ImageToLabel

_SHOWN = ("modality", "body_part", "laterality", "view_position", "sop_instance_uid", "frame")


@click.command()
@home_option
@click.argument("name")
@click.option("--where", default="", help="Which images, as for export; default: all good ones.")
@click.option("--label", "labels", multiple=True, help="A choice in the interface; may be repeated.")
@click.option("--remove", is_flag=True, help="Delete the tasks and copies of that name; labels stay.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def tasks(folder: Path, name: str, where: str, labels: tuple[str, ...], remove: bool, as_json: bool) -> None:
    """Write tasks for Label Studio into the bucket labelling, and tell what to enter there.

    Run again, it adds the images that have no task of that name yet.
    """
    check_packages()
    from infra.labelling.labelling_tasks import remove_tasks, write_tasks
    from training_set.versions.set_name import checked_name

    batch, home = Batch(checked_name(name)), Home(folder.resolve())
    endpoints = read_endpoints(home)
    store = operator_store(endpoints)
    if remove:
        click.echo(f"{remove_tasks(store, batch)} object(s) deleted.")
        return
    with psycopg.connect(endpoints["database_url"]) as connection:
        images = list(_images(connection, where))
    labelling_keys(home, endpoints["minio"])
    written = write_tasks(store, batch, images, tell=_tell)
    told = {
        "written": written.written,
        "there": written.there,
        "gone": written.gone,
        "storages": storages(batch, endpoints["minio"]),
        "keys": str(labelling_keys_file(home)),
        "labelling_config": _config(labels),
    }
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2) if as_json else _text(told))


def storages(batch: Batch, minio: dict[str, Any]) -> dict[str, dict[str, object]]:
    """What to enter as source and as target storage, by the names of Label Studio's API."""
    scheme = "https" if minio["secure"] else "http"
    common = {"s3_endpoint": f"{scheme}://{minio['endpoint']}", "region_name": "us-east-1"}
    source = {"bucket": "labelling", "prefix": batch.tasks.rstrip("/"), "regex_filter": r".*\.json"}
    flags = {"use_blob_urls": False, "presign": False, "recursive_scan": True}
    target = {"bucket": "annotations", "prefix": f"{HANDED_IN}{batch.name}"}
    return {"source": {**source, **flags, **common}, "target": {**target, **common}}


def _images(connection: psycopg.Connection[Any], where: str) -> "Iterator[ImageToLabel]":
    from infra.labelling.labelling_tasks import ImageToLabel
    from training_set.selection.image_rows import read_images
    from training_set.selection.options import Options
    from training_set.selection.selection import full_selection

    table = read_images(connection, full_selection(where), Options(labels=())).table
    for row in table.select(["bucket", "key", *_SHOWN]).to_pylist():
        shown = {name: row[name] for name in _SHOWN if row[name] is not None}
        yield ImageToLabel(row["bucket"], row["key"], shown)


def _config(labels: tuple[str, ...]) -> str | None:
    from infra.labelling.labelling_config import labelling_config

    return labelling_config(labels) if labels else None


def _text(told: dict[str, Any]) -> str:
    counts = "{written} task(s) written, {there} there already, {gone} gone meanwhile."
    lines = [counts.format(**told)]
    for storage, fields in told["storages"].items():
        lines.append(f"Label Studio, Settings, Cloud Storage, {storage} storage, Amazon S3:")
        lines += [f"  {name:<14} {value}" for name, value in fields.items()]
    lines.append(f"Access key and secret key are in {told['keys']}.")
    if told["labelling_config"]:
        lines += ["Settings, Labeling Interface, Code:", told["labelling_config"]]
    return "\n".join(lines)


def _tell(done: int) -> None:
    click.echo(f"{done} images looked at", err=True)
