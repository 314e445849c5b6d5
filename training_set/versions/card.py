"""The dataset card: the contents of a training set, its origin and the distribution of its labels."""

import re
from typing import Any

import orjson

from training_set.versions.card_plots import plot_balance, plot_cooccurrence
from training_set.versions.frozen_set import CARD, FrozenSet

BALANCE, COOCCURRENCE = "plots/class-balance.png", "plots/co-occurrence.png"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_ORIGIN = (
    ("deidentification", "De-identification profile"),
    ("key_id", "Pseudonym key"),
    ("recipe_version", "Version of the picture recipe"),
    ("quality_model", "Quality model"),
    ("pipeline_version", "Version of dcm2set"),
)


def card_files(frozen: FrozenSet) -> dict[str, bytes]:
    """Return README.md and its plots by name. Equal training sets give equal bytes."""
    files = {CARD: _text(frozen).encode()}
    if frozen.labels:
        files |= {BALANCE: plot_balance(frozen), COOCCURRENCE: plot_cooccurrence(frozen)}
    return files


def _text(frozen: FrozenSet) -> str:
    head = frozen.head
    parts = [
        _front_matter(frozen),
        f"# {head['name']}, version {head['version']}\n",
        f"Frozen by dcm2set at {head['created_at']}. Pictures are de-identified, keys are pseudonyms.\n",
        _table(["split", "images", "patients", "studies"], _split_rows(head["counts"])),
        _left_out(frozen),
        _labels(frozen),
        _origin(head),
        _reading(),
    ]
    return "\n".join(part for part in parts if part)


def _front_matter(frozen: FrozenSet) -> str:
    head = frozen.head
    size = next((word for most, word in _SIZES if len(frozen.table) < most), "n>1M")
    files = "\n".join(f'  - split: {name}\n    path: "{name}/**"' for name in frozen.splits)
    return (
        f"---\npretty_name: {_quoted(head['name'] + ' v' + str(head['version']))}\n"
        "task_categories:\n- image-classification\n"
        "task_ids:\n- multi-label-image-classification\n"
        "tags:\n- medical\n- radiology\n"
        f"size_categories:\n- {size}\n"
        f"configs:\n- config_name: default\n  data_files:\n{files}\n---\n"
    )


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _split_rows(counts: dict[str, Any]) -> list[list[str]]:
    rows = [*counts["splits"].items(), ("all", counts)]
    return [[name, *(f"{part[key]:,}" for key in ("images", "patients", "studies"))] for name, part in rows]


def _left_out(frozen: FrozenSet) -> str:
    lines = []
    if frozen.left_out:
        lines.append(f"{len(frozen.left_out)} image(s) were left out: {frozen.left_out[0]['cause']}.\n")
    for cause, number in frozen.head.get("missing", {}).items():
        lines.append(f"{number} image(s) of the frozen version are missing in this folder: {cause}.\n")
    return "\n".join(lines)


def _labels(frozen: FrozenSet) -> str:
    if not frozen.labels:
        return "## Labels\n\nNone of the images has a label.\n"
    splits = frozen.splits
    rows = [
        [
            _cell(label["name"]),
            *(f"{label[key]:,}" for key in ("present", "absent", "uncertain", "missing", "patients")),
            *(f"{100 * label['prevalence'][name]:.2f} %" for name in ("all", *splits)),
        ]
        for label in frozen.head["labels"]
    ]
    header = [
        "label",
        "present",
        "absent",
        "uncertain",
        "missing",
        "patients with it",
        "share of all",
        *splits,
    ]
    settings = frozen.head["settings"]
    return (
        f"## Labels\n\nRule over annotators: {settings['rule']}; uncertain: {settings['uncertain']}. "
        "A probability counts as present from 0.5 on. Shares are of images.\n\n"
        + _table(header, rows)
        + f"\n![Class balance]({BALANCE})\n\n![Co-occurrence]({COOCCURRENCE})\n"
    )


def _origin(head: dict[str, Any]) -> str:
    settings = head["settings"]
    shares = ", ".join(f"{name} {share:g}" for name, share in settings["splits"].items())
    made = [
        [words, _cell(", ".join(f"{name} ({n:,})" for name, n in head["made_by"][key].items()))]
        for key, words in _ORIGIN
    ]
    return (
        f"## Origin\n\n```sql\n{settings['query'].replace('```', '')}\n```\n\n"
        f"Splits: {shares}; seed {settings['seed']}. All images of a patient are in one split. Patients who "
        "share a picture (an equal file, or near-equal by perceptual hash) are in the same split. The splits "
        "are stratified by label. A patient keeps the split in later versions.\n\n"
        + _table(["made by", "images"], made)
        + f"\nDigest: `{head['digest']}`\n"
    )


def _reading() -> str:
    return (
        "## Files\n\n"
        "| file | contents |\n|---|---|\n"
        "| `<split>/metadata.csv` | imagefolder's metadata of each image, labels as `label_<name>` |\n"
        "| `labels.csv` | multi-hot labels: 1, 0, -1 uncertain, a probability, or empty |\n"
        "| `images.parquet` | every column |\n"
        "| `manifest.json` | keys, SHA-256 and labels of all images; origin of the set |\n\n"
        "```python\nfrom datasets import load_dataset\n\n"
        'sets = load_dataset("imagefolder", data_dir="FOLDER")\n```\n'
    )


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def _cell(text: str) -> str:
    """Return foreign text as one table cell: on one line and without markup."""
    plain = re.sub(r"\s+", " ", text)
    return re.sub(r"([\\`*_{}\[\]<>|#!$])", r"\\\1", plain)
