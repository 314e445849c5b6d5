"""Publish a frozen version: export it into a working folder, and copy it to the target."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from common.store.object_store import ObjectStore
from infra.training_sets.export import Export
from training_set.export.export_folder import ExportRequest, Form
from training_set.publish.publish import publish
from training_set.publish.target import Target
from training_set.selection.allowed_labels import AllowedLabels
from training_set.versions.set_versions import get_version


@dataclass(frozen=True)
class Publication:
    """What is published where."""

    name: str
    number: int | None  # of the version; None for the last one
    target: Target
    form: Form
    shard_bytes: int
    without_missing: bool


def publish_version(
    wanted: Publication,
    work: Path,
    *,
    connection: psycopg.Connection[Any],
    store: ObjectStore,
    labels: AllowedLabels,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Publish a frozen version and return what was done, as `--json` prints it.

    It is exported into a folder below `work`, from which an interrupted run continues, and which is removed
    when everything is published.
    """
    number = get_version(connection, wanted.name, wanted.number).number
    folder = work / f"{wanted.name}-v{number}-{wanted.form}"
    request = ExportRequest(
        folder, "copy", None, wanted.without_missing, form=wanted.form, shard_bytes=wanted.shard_bytes
    )
    training_set = Export(connection, store, wanted.name, say, labels)
    again = f"dcm2set sets publish {wanted.name} --version {number} --to {wanted.target.url} {_form(wanted)}"
    written = training_set.write(training_set.version(number, {}), request, again=again)
    done = publish(folder, wanted.target, say)
    shutil.rmtree(folder)
    return {
        "name": wanted.name,
        "version": number,
        "digest": written.head["digest"],
        "target": wanted.target.url,
        "format": wanted.form,
        "images": written.head["counts"]["images"],
        **asdict(done),
    }


def _form(wanted: Publication) -> str:
    return f"--format {wanted.form} --shard-size {wanted.shard_bytes // 1_000_000}"


def published_text(done: dict[str, Any]) -> str:
    """Return the result of a publication as text for a terminal."""
    return (
        f"{done['name']} v{done['version']} is complete at {done['target']}: {done['images']:,} images, "
        f"{done['bytes'] / 1e6:,.1f} MB.\n"
        f"  {done['copied']:,} file(s) copied and read back, {done['kept']:,} were there."
    )
