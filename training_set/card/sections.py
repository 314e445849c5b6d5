"""The sections of a dataset card in Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from training_set.card.markdown import bullets, cell, table
from training_set.card.split_balance import UNKNOWN
from training_set.card.split_sentences import split_sentences
from training_set.selection.statement import STATED, WITHOUT

_STATED = {
    "licence": "Licence",
    "ethics": "Consent and ethics",
    "intended_use": "Intended use",
    "limits": "Limits",
}
_ORIGIN = (
    ("deidentification", "De-identification profile"),
    ("key_id", "Pseudonym key"),
    ("recipe_version", "Version of the picture recipe"),
    ("recipe", "Picture recipe"),
    ("quality_model", "Quality model"),
    ("pipeline_version", "Version of dcm2set"),
)
_MOST_DIFFERING, _MOST_GROUPS = 20, 20
_MOST_CHANGED = 20


def statement_section(card: Mapping[str, Any]) -> str:
    """Licence, ethics, intended use and limits, as a person stated them."""
    stated = card["statement"]
    reason = f"not stated: {stated[WITHOUT]}" if WITHOUT in stated else "not stated"
    rows = [[_STATED[name], cell(stated.get(name, reason))] for name in STATED]
    return "## Use\n\n" + table(["", ""], rows) + f"\nCite as: {cell(card['citation'])}\n"


def warning_section(card: Mapping[str, Any]) -> str:
    """What may spoil training or testing."""
    return "## Warnings\n\n" + (bullets(card["warnings"]) or "None.\n")


def split_section(card: Mapping[str, Any]) -> str:
    """Images, patients and studies of each split, and what is missing in this folder."""
    counts = card["counts"]
    rows = [
        [name, *(part[key] for key in ("images", "patients", "studies"))]
        for name, part in [*counts["splits"].items(), ("all", counts)]
    ]
    missing = "".join(
        f"\n{number} image(s) of the frozen version are missing in this folder: {cell(cause)}.\n"
        for cause, number in card["missing"].items()
    )
    return "## Splits\n\n" + table(["split", "images", "patients", "studies"], rows) + missing


def funnel_section(card: Mapping[str, Any], plot: str) -> str:
    """From the files found to the images of the set, with what was left out at each step."""
    funnel = card["funnel"]
    if funnel is None:
        return ""
    files, images = funnel["files"], funnel["images"]
    rows = [
        ["files found", files["found"], "", ""],
        ["files extracted", files["extracted"], *_left_out(files["left_out"])],
    ]
    steps = [["images drawn from these files", images["found"], "", ""]]
    steps += [[cell(each["step"]), each["images"], *_left_out(each["left_out"])] for each in images["steps"]]
    return (
        "## From the archive to this set\n\n"
        "As counted when the set was frozen. Each line is the line above less what was left out.\n\n"
        + table(["files", "number", "left out", "why"], rows)
        + "\n"
        + table(["images", "number", "left out", "why"], steps)
        + f"\n{funnel['labelled']:,} of the images in the set have a label.\n"
        + f"\n![From the archive to this set]({plot})\n"
    )


def _left_out(causes: Mapping[str, int]) -> list[object]:
    shown = {cause: number for cause, number in causes.items() if number}
    why = ", ".join(f"{cell(cause)} ({number:,})" for cause, number in shown.items())
    return [sum(shown.values()), why or "nothing"]


def label_section(card: Mapping[str, Any], plots: tuple[str, str]) -> str:
    """The values of each label by split."""
    if not card["labels"]:
        return "## Labels\n\nNone of the images has a label.\n"
    columns = ("present", "absent", "uncertain", "missing", "patients_with_it")
    rows = []
    for label in card["labels"]:
        for split, counts in label["splits"].items():
            images = sum(counts[name] for name in columns[:4])
            share = f"{100 * counts['present'] / images:.1f} %" if images else ""
            rows.append([cell(label["label"]), split, *(counts[name] for name in columns), share])
    settings = card["settings"]
    return (
        f"## Labels\n\nRule over annotators: {settings['rule']}; uncertain: {settings['uncertain']}. "
        "A probability counts as present from 0.5 on. Numbers are of images; the share is of all images.\n\n"
        + table(
            ["label", "split", "present", "absent", "uncertain", "missing", "patients with it", "share"], rows
        )
        + f"\n![Class balance]({plots[0]})\n\n![Co-occurrence]({plots[1]})\n"
    )


def agreement_section(card: Mapping[str, Any]) -> str:
    """The annotators of each label and how far they agree."""
    found = card["agreement"]
    if not found:
        return ""
    rows = [
        [cell(each["label"]), each["annotators"], each["images"], each["differing"], _measured(each)]
        for each in found
    ]
    header = ["label", "annotators", "images of several", "on which they differ", "agreement"]
    return (
        "## Annotators\n\nAnnotators are numbered, not named. Agreement is Cohen's kappa where the same two "
        "annotators read all images of several, and Krippendorff's alpha over every reading otherwise; 1 is "
        "complete, 0 is that of chance.\n\n" + table(header, rows) + _groups(found) + _differing(found)
    )


def _measured(found: Mapping[str, Any]) -> str:
    if found["kappa"] is None:
        return f"not defined: {cell(found['cause'])}"
    return f"{found['measure']} {found['kappa']:.3f}"


def _groups(found: list[dict[str, Any]]) -> str:
    """The agreement of each group that read the same images, where a label has several groups."""
    rows = [
        [
            cell(each["label"]),
            ", ".join(map(str, group["annotators"])),
            group["images"],
            group["differing"],
            _measured(group),
        ]
        for each in found
        if len(each["groups"]) > 1
        for group in each["groups"]
    ]
    if not rows:
        return ""
    hidden = len(rows) - _MOST_GROUPS
    more = f"\nand {hidden:,} more groups in `card.json`\n" if hidden > 0 else ""
    header = ["label", "annotators", "images", "on which they differ", "agreement"]
    return "\n" + table(header, rows[:_MOST_GROUPS]) + more


def _differing(found: list[dict[str, Any]]) -> str:
    """Images on which annotators differ, with each one's value."""
    rows = [
        [
            cell(each["label"]),
            f"`{image['key']}`",
            ", ".join(f"{who}: {value:g}" for who, value in image["values"]),
        ]
        for each in found
        for image in each["differing_images"]
    ]
    number = sum(int(each["differing"]) for each in found)
    if not rows:
        return ""
    more = number - min(len(rows), _MOST_DIFFERING)
    rest = f"\nand {more:,} more; `card.json` lists the first of each label\n" if more else ""
    header = ["label", "image on which they differ", "annotator: value"]
    return "\n" + table(header, rows[:_MOST_DIFFERING]) + rest


def balance_section(card: Mapping[str, Any], plot: str) -> str:
    """Patients by each characteristic in each split, and whether the splits differ."""
    splits = card["splits"]
    tests = [
        [each["characteristic"], each["test"]["method"] or "", each["test"]["reading"]]
        for each in card["balance"]
    ]
    rows = [
        [each["characteristic"], cell(value), *(counts[split] for split in splits)]
        for each in card["balance"]
        for value, counts in each["patients"].items()
    ]
    return (
        "## Patients by split\n\nA patient counts once for each value. Tests leave out patients whose value "
        f"is {UNKNOWN}; the level of 0.05 is divided by the number of tests.\n\n"
        + table(["characteristic", "test", "result"], tests)
        + "\n"
        + table(["characteristic", "value", *splits], rows)
        + f"\n![Patients by split]({plot})\n"
    )


def change_section(card: Mapping[str, Any]) -> str:
    """What changed since the last version."""
    changes = card["changes"]
    if changes is None:
        return "## Changes\n\nThis is the first version.\n" if card["version"] == 1 else ""
    if "cause" in changes:
        return f"## Changes\n\nNot known since version {changes['since']}: {cell(changes['cause'])}\n"
    return f"## Changes since version {changes['since']}\n\n" + (
        bullets(_changes(changes)) or "None of the contents.\n"
    )


def _changes(changes: Mapping[str, Any]) -> Iterator[str]:
    images, patients, labels = changes["images"], changes["patients"], changes["labels"]
    for words, number in images.items():
        if number:
            yield f"{number:,} image(s) {words.replace('_', ' ')}"
    for words, number in patients.items():
        if number:
            yield f"{number:,} patient(s) {words}"
    changed = list(labels["changed"].items())
    yield from (
        f"label {name}: {number:,} image(s) of both versions changed"
        for name, number in changed[:_MOST_CHANGED]
    )
    if len(changed) > _MOST_CHANGED:
        yield f"and {len(changed) - _MOST_CHANGED} more labels"
    for words in ("added", "removed"):
        if labels[words]:
            yield f"labels {words}: {', '.join(labels[words])}"
    for name, each in changes["settings"].items():
        if name != "where":  # the query has it, too
            yield f"{name}: {each['before']} became {each['after']}"


def origin_section(card: Mapping[str, Any]) -> str:
    """The selection, the splits, and the versions that made the images."""
    settings = card["settings"]
    shares = ", ".join(f"{name} {settings['splits'][name]:g}" for name in card["counts"]["splits"])
    made = [
        [words, cell(", ".join(f"{name} ({n:,})" for name, n in card["made_by"][key].items()))]
        for key, words in _ORIGIN
    ]
    return (
        f"## Origin\n\n```sql\n{settings['query'].replace('```', '')}\n```\n\n"
        f"Splits: {shares}; seed {settings['seed']}. All images of a patient are in one split. Patients who "
        "share a picture (an equal file, or near-equal by perceptual hash) are in the same split. The splits "
        "are stratified by label. A patient keeps the split in later versions."
        f"{split_sentences(card)}\n\n"
        + table(["made by", "images"], made)
        + f"\nPictures are de-identified (PS3.15 Annex E), and keys are pseudonyms. {card['dates']}\n"
        f"\nDigest: `{card['digest']}`\n"
    )


def bias_section(card: Mapping[str, Any]) -> str:
    """What makes the images unlike those of a hospital at large."""
    return "## Known biases\n\n" + bullets(card["known_biases"])
