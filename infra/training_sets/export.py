"""One export of a training set: its version is frozen or found, and its files are written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psycopg

from common.errors import PermanentError, TransientError
from common.settings import load_settings
from common.store.object_store import ObjectStore
from infra.training_sets.label_sets import parse_label_sets
from training_set.card.card import CARD_DATA
from training_set.export.export_folder import ExportRequest, write_export
from training_set.export.export_shards import write_shards
from training_set.export.image_locations import image_locations
from training_set.selection.allowed_labels import ANY_LABEL, AllowedLabels
from training_set.selection.options import ALL_LABELS, parse_splits
from training_set.selection.statement import STATED, WITHOUT
from training_set.versions.freeze import Freezer, FrozenVersion
from training_set.versions.frozen_files import load_frozen
from training_set.versions.frozen_set import FrozenSet
from training_set.versions.set_versions import get_version

_MOST_WARNINGS = 20


@dataclass(frozen=True)
class Export:
    """One export, with its connections."""

    connection: psycopg.Connection[Any]
    store: ObjectStore
    name: str
    say: Callable[[str], None]
    allowed_labels: AllowedLabels

    def version(self, number: int | None, selection: Mapping[str, Any]) -> FrozenVersion:
        """The frozen version with that number, or a new version of the selection if it is None."""
        if number is not None:
            known = get_version(self.connection, self.name, number)
            frozen, files = load_frozen(self.store, self.name, known)
            self.allowed_labels.check(frozen.labels)
            return FrozenVersion(frozen, files, buckets=None)
        options = dict(selection)
        about = {name: text for name in (*STATED, WITHOUT) if (text := options.pop(name, None)) is not None}
        freezer = Freezer(
            self.connection, self.store, self.name, self.say, self.allowed_labels, settings_statement()
        )
        return freezer.freeze(about=about, **_changes(options))

    def write(self, version: FrozenVersion, request: ExportRequest, *, again: str | None = None) -> FrozenSet:
        """Write the files of a version into the requested folder.

        `again` is the command that continues after an interruption, by default an export into that folder.
        """
        locations = image_locations(self.connection, version)
        self.connection.commit()
        self.say(f"{self.name} v{version.number} to {request.folder}")
        try:
            write = write_export if request.form == "folder" else write_shards
            written = write(version, locations, self.store, request, self.say)
        except (KeyboardInterrupt, TransientError, OSError) as error:
            own = f"dcm2set export {self.name} --version {version.number} --out {request.folder}"
            command = again or f"{own} {_form(request)}"
            any_label = " --any-label" if self.allowed_labels == ANY_LABEL else ""
            self.say(f"Interrupted. Continue with: {command}{any_label}")
            if isinstance(error, OSError):
                raise PermanentError(f"Can't write to {request.folder} ({error.strerror}).") from None
            raise
        if request.images == "reference":
            self.say(f"Locations: {request.references}, only for those who read the store themselves.")
        return written


def _form(request: ExportRequest) -> str:
    """The options of the form of an export."""
    if request.form == "folder":
        return f"--images {request.images}"
    return f"--format {request.form} --shard-size {request.shard_bytes // 1_000_000}"


def settings_statement() -> dict[str, str]:
    """What the settings state about every new training set."""
    settings = load_settings()
    texts = {name: getattr(settings, f"set_{name}") for name in STATED}
    return {name: text for name, text in texts.items() if text is not None}


def _changes(selection: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a version that the command changes; None keeps an option."""
    options = dict(selection)
    shares, sets = options.pop("shares"), options.pop("label_sets")
    all_labels, no_label_sets = options.pop("all_labels"), options.pop("no_label_sets")
    options["labels"] = ALL_LABELS if all_labels else options["labels"] or None
    options["label_sets"] = {} if no_label_sets else parse_label_sets(sets or ()) or None
    options["splits"] = None if shares is None else parse_splits(shares)
    if options["folds"] == 1:
        raise PermanentError("One fold is no cross-validation: --folds is 0 or at least 2.")
    return options


def export_summary(written: FrozenSet, folder: Path, *, is_new: bool) -> dict[str, Any]:
    """The result of an export, as `--json` prints it."""
    head = written.head
    return {
        "name": head["name"],
        "version": head["version"],
        "is_new": is_new,
        "folder": str(folder),
        "digest": head["digest"],
        "counts": head["counts"],
        "left_out": len(written.left_out),
        "missing": head.get("missing", {}),
        "warnings": _warnings(folder),
        **({"fixed_test": head["fixed_test"]} if "fixed_test" in head else {}),
    }


def _warnings(folder: Path) -> list[str]:
    """The warnings of the card in a folder; cards of earlier formats have none."""
    try:
        return list(orjson.loads((folder / CARD_DATA).read_bytes())["warnings"])
    except FileNotFoundError:
        return []


def export_text(summary: dict[str, Any]) -> str:
    """The result of an export as text for a terminal."""
    counts = summary["counts"]
    is_new = "new" if summary["is_new"] else "unchanged"
    lines = [f"{summary['name']} v{summary['version']} ({is_new}) in {summary['folder']}"]
    for split, part in [*counts["splits"].items(), ("all", counts)]:
        lines.append(f"  {split:<11} {part['images']:>9,} images {part['patients']:>8,} patients")
    for fold, part in counts.get("folds", {}).items():
        lines.append(f"  fold {fold:<6} {part['images']:>9,} images {part['patients']:>8,} patients")
    if "fixed_test" in summary:
        lines.append(f"  the test split is fixed since v{summary['fixed_test']['version']}")
    if summary["left_out"]:
        lines.append(f"  {summary['left_out']} image(s) left out; the manifest says why")
    lines += [f"  {number} image(s) missing: {cause}" for cause, number in summary["missing"].items()]
    return "\n".join([*lines, *_warning_lines(summary["warnings"])])


def _warning_lines(warnings: list[str]) -> list[str]:
    lines = [f"  warning: {warning}" for warning in warnings[:_MOST_WARNINGS]]
    more = len(warnings) - _MOST_WARNINGS
    return [*lines, f"  and {more} more warnings in the card"] if more > 0 else lines
