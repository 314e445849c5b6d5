"""What the card of a new version tells beside its contents: funnel, agreement, changes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import PermanentError
from common.store.object_store import ObjectStore
from training_set.selection.image_rows import SelectedImages, label_ids
from training_set.selection.options import Options
from training_set.selection.selection import asks_for_labels
from training_set.versions.differences import change_numbers
from training_set.versions.frozen_files import load_frozen
from training_set.versions.frozen_set import FrozenSet
from training_set.versions.funnel import read_funnel
from training_set.versions.set_agreement import set_agreement
from training_set.versions.set_versions import SetVersion


def selection_facts(
    connection: psycopg.Connection[Any],
    images: SelectedImages,
    left_out: Sequence[dict[str, str]],
    query: str,
    options: Options,
) -> dict[str, Any]:
    """Return the funnel and the agreement of annotators, as the database has them now.

    Runs in the transaction that has selected the images; `left_out` are those that are not in the version.
    """
    known = label_ids(connection)
    ids = {name: known[name] for name in images.labels}
    outside = pa.array([each["key"] for each in left_out], pa.string())
    is_kept = ~pc.is_in(images.table["key"], outside).to_numpy()
    is_labelled = ~np.isnan(images.label_values).all(axis=1)
    funnel = read_funnel(
        connection,
        label_ids=None if options.labels is None else list(ids.values()),
        asks_for_labels=asks_for_labels(query),
        left_out=[each["cause"] for each in left_out],
        labelled=int((is_labelled & is_kept).sum()),
    )
    numbers = images.table["image_id"].to_numpy()
    is_read_again = images.table["annotators"].to_numpy() > 1
    agreement = set_agreement(
        connection, ids, numbers[is_kept].tolist(), numbers[is_kept & is_read_again].tolist()
    )
    return {"funnel": funnel, "agreement": agreement}


def changes_since(last: SetVersion, frozen: FrozenSet, store: ObjectStore, name: str) -> dict[str, Any]:
    """Return what changed since the last version, or the cause why its files can't tell."""
    try:
        older, _ = load_frozen(store, name, last)
    except PermanentError as error:
        return {"since": last.number, "cause": str(error)}
    return change_numbers(older, frozen)
