"""A test split that stays as it was in one version: its pictures, and how later versions have them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import PermanentError
from common.store.object_store import ObjectStore
from training_set.selection.options import TEST, Options
from training_set.splits.patient_splits import Closed
from training_set.versions.frozen_files import load_frozen
from training_set.versions.set_versions import SetVersion, get_version

NEW_PICTURE = "new picture of a patient whose test split is fixed"


@dataclass(frozen=True)
class FixedTest:
    """The test split of an earlier version."""

    version: int
    digests: dict[str, str]  # SHA-256 of each picture by key
    causes: dict[str, str]  # of the images that the version left out, by key

    def closed(self, table: pa.Table) -> Closed:
        """Return which images of a selection are in it."""
        is_in = pc.is_in(table["key"], pa.array(list(self.digests), pa.string()))
        return Closed(TEST, is_in.to_numpy())

    def cause(self, key: str) -> str:
        """Return why an image of one of its patients is not in it."""
        return self.causes.get(key, f"{NEW_PICTURE} since version {self.version}")


def load_fixed_test(
    connection: psycopg.Connection[Any], store: ObjectStore, name: str, options: Options, number: int
) -> FixedTest | None:
    """Return the fixed test split that version `number` must have; None if it has none or fixes its own.

    Raises PermanentError if there is no such version, or it has no test split.
    """
    fixed = options.fixed_test
    if fixed is None or fixed == number:
        return None
    if fixed > number:
        raise PermanentError(f"The training set {name} has no version {fixed} yet; the next is {number}.")
    frozen, _ = load_frozen(store, name, get_version(connection, name, fixed))
    test = frozen.table.filter(pc.equal(frozen.table["split"], TEST))
    if not len(test):
        raise PermanentError(f"{name} v{fixed} has no picture in the test split, so it can't be fixed.")
    digests = dict(zip(test["key"].to_pylist(), test["sha256"].to_pylist(), strict=True))
    return FixedTest(fixed, digests, {image["key"]: image["cause"] for image in frozen.left_out})


def refuse_another(last: SetVersion | None, options: Options) -> None:
    """Raise PermanentError if the test split of the last version is fixed, and another is requested."""
    before = None if last is None else Options.from_json(last.options).fixed_test
    if before is not None and before != options.fixed_test:
        raise PermanentError(
            f"The test split is fixed since version {before} and stays so: start another training set."
        )


def fixed_test_head(table: pa.Table, fixed: FixedTest | None, options: Options) -> dict[str, Any]:
    """Return the manifest's part about the fixed test split; empty if there is none.

    Raises PermanentError if a version that fixes its own test split has no picture in it.
    """
    if options.fixed_test is None:
        return {}
    test = table.filter(pc.equal(table["split"], TEST))
    if fixed is None and not len(test):
        raise PermanentError("The test split has no picture, so it can't be fixed.")
    keys, digests = test["key"].to_pylist(), test["sha256"].to_numpy(zero_copy_only=False)
    before = digests if fixed is None else np.array([fixed.digests[key] for key in keys])
    state = {
        "version": options.fixed_test,
        "images": len(test),
        "missing": 0 if fixed is None else len(fixed.digests) - len(test),
        "drawn_again": int((digests != before).sum()),
    }
    return {"fixed_test": state}
