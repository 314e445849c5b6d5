"""Write a training set as shards with the pictures inside. An interrupted export can be continued."""

import hashlib
from collections.abc import Callable

from common.store.object_store import ObjectStore
from training_set.card.card import CARD
from training_set.export.export_folder import ExportRequest, begin_export, finish_export, refuse_missing
from training_set.export.image_locations import ImageLocations
from training_set.export.progress import Progress
from training_set.export.shard_files import SHARDS, Shard, ShardFiles
from training_set.formats.card_text import card_of_shards
from training_set.formats.croissant import CROISSANT, croissant_of_shards
from training_set.formats.shard_format import ShardFormat, shard_format
from training_set.versions.freeze import FrozenVersion, all_files
from training_set.versions.frozen_set import MANIFEST, FrozenSet

_OF_A_FOLDER = "/metadata.csv"  # lists files of single pictures


def write_shards(
    version: FrozenVersion,
    locations: ImageLocations,
    store: ObjectStore,
    request: ExportRequest,
    report: Callable[[str], None],
) -> FrozenSet:
    """Write a version into a folder and return what was written. Correct shards are kept.

    Raises ImagesMissingError, and PermanentError if the folder has other contents.
    """
    refuse_missing(locations.missing, request)
    begin_export(request, version)
    form, frozen = shard_format(request.form), version.frozen
    progress = Progress(len(frozen.table), "images", report)
    files = ShardFiles(
        folder=request.folder,
        form=form,
        shard_bytes=request.shard_bytes,
        store=store,
        at_a_time=request.at_a_time,
        frozen=frozen,
        locations=locations,
        advance=progress.advance,
    )
    shards, missing = files.write_all()
    refuse_missing(missing, request)
    written = frozen.without(missing)
    named, listed = files.finish(shards)
    bodies = _bodies(version.files if not missing else all_files(written), form, listed)
    bodies[CROISSANT] = _croissant(written, bodies, named, form)
    manifest = written.manifest(bodies, {name: shard.sha256 for name, shard in named.items()})
    finish_export(request, version, bodies | {MANIFEST: manifest})
    return written


def _bodies(files: dict[str, bytes], form: ShardFormat, listed: bytes) -> dict[str, bytes]:
    """Return the files beside the shards, without those that describe a folder of single pictures."""
    kept = {
        name: body
        for name, body in files.items()
        if name not in {MANIFEST, CROISSANT} and not name.endswith(_OF_A_FOLDER)
    }
    return kept | {CARD: card_of_shards(files[CARD].decode(), form).encode(), SHARDS: listed}


def _croissant(
    written: FrozenSet, bodies: dict[str, bytes], shards: dict[str, Shard], form: ShardFormat
) -> bytes:
    files = {name: (hashlib.sha256(body).hexdigest(), len(body)) for name, body in bodies.items()}
    files |= {name: (shard.sha256, shard.bytes) for name, shard in shards.items()}
    return croissant_of_shards(written.head, written.table.schema, files, form.name)
