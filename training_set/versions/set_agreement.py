"""How far the annotators of a set agree, with numbers instead of their names."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import psycopg

from training_set.agreement.agreement import Agreement, label_agreement
from training_set.agreement.readings import Readings, read_agreement, read_annotators

_MOST_DIFFERING, _MOST_GROUPS = 200, 50  # of a label
_NOBODY = Readings(label_agreement([]), ())


def set_agreement(
    connection: psycopg.Connection[Any],
    label_ids: Mapping[str, int],
    images: Collection[int],
    read_by_several: Collection[int],
) -> list[dict[str, Any]]:
    """Return for each label its number of annotators and their agreement, ready for JSON.

    `label_ids` has the labels of the set by name; `images` are the numbers of its images, and
    `read_by_several` those with a label of several annotators.
    """
    if not label_ids:
        return []
    annotators = read_annotators(connection, images)
    found = read_agreement(connection, read_by_several, most=_MOST_DIFFERING) if read_by_several else {}
    own = {label: annotators.get(number, ()) for label, number in label_ids.items()}
    numbers = {
        who: at for at, who in enumerate(sorted({each for all_ in own.values() for each in all_}), start=1)
    }
    return [
        {
            "label": label,
            **_described(found.get(label_ids[label], _NOBODY), numbers),
            "annotators": len(own[label]),
        }
        for label in label_ids
    ]


def _described(readings: Readings, numbers: Mapping[int, int]) -> dict[str, Any]:
    groups: Sequence[Agreement] = readings.agreement.groups
    return {
        **_figures(readings.agreement.overall),
        "groups": [
            {"annotators": [numbers[who] for who in group.annotators], **_figures(group)}
            for group in groups[:_MOST_GROUPS]
        ],
        "differing_images": [
            {"key": image.key, "values": [[numbers[who], value] for who, value in image.values]}
            for image in readings.differing
        ],
    }


def _figures(found: Agreement) -> dict[str, Any]:
    kappa = None if found.kappa is None else round(found.kappa, 6)
    return {
        "measure": found.measure,
        "kappa": kappa,
        "images": found.images,
        "differing": found.differing,
        "cause": found.cause,
    }
