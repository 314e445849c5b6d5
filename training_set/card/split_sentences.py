"""What a dataset card says of folds, a fixed test split, devices and label sets."""

from collections.abc import Mapping
from typing import Any


def split_sentences(card: Mapping[str, Any]) -> str:
    """Return sentences about the options of a version, each after a space; none if none was given."""
    settings, sentences = card["settings"], []
    if "split_by" in settings:
        sentences.append(f"All images of a {settings['split_by']} are in one split.")
    if "folds" in settings:
        sentences.append(
            f"The column `fold` has {settings['folds']} folds of cross-validation by patient; "
            "0 is the test split."
        )
    if fixed := card["fixed_test"]:
        sentences.append(
            f"The test split is that of version {fixed['version']}: {fixed['images']} images, "
            f"{fixed['missing']} missing since, {fixed['drawn_again']} drawn again since."
        )
    sentences += [f"`labels_{name}.csv` has a part of the labels." for name in settings.get("label_sets", {})]
    return "".join(f" {sentence}" for sentence in sentences)
