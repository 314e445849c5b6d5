"""What to beware of: warnings about a version, and the known biases of its images."""

from collections.abc import Iterator, Mapping
from typing import Any

from training_set.agreement.agreement import Agreement
from training_set.agreement.rule_warning import rule_warning
from training_set.card.split_balance import OTHERS, UNKNOWN, differs
from training_set.selection.statement import STATED, WITHOUT

# Even 9 of 10 correct says only that the rate is between 60 and 98 % (Wilson's interval).
FEW_POSITIVES = 10
_LARGE_SHARE, _UNKNOWN_SHARE = 0.6, 0.1
_DIFFERENT_RATE, _ENOUGH_IMAGES = 2.0, 100  # rates of rejection that are worth a sentence


def card_warnings(card: Mapping[str, Any]) -> list[str]:
    """Return a sentence for everything in a card that may spoil training or testing."""
    return [
        *_statement_warnings(card["statement"]),
        *_split_warnings(card),
        *_label_warnings(card),
        *_balance_warnings(card),
        *_rule_warnings(card),
    ]


def _statement_warnings(statement: Mapping[str, str]) -> Iterator[str]:
    names = [name.replace("_", " ") for name in STATED if name not in statement]
    if names:
        why = f": {statement[WITHOUT]}" if WITHOUT in statement else ""
        yield f"Not stated: {', '.join(names)}{why.rstrip('.')}."


def _split_warnings(card: Mapping[str, Any]) -> Iterator[str]:
    for split, counts in card["counts"]["splits"].items():
        if not counts["images"]:
            yield f"The split {split} has no image."


def _label_warnings(card: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for a label that lacks a class in a split, or has it in few patients."""
    for label in card["labels"]:
        splits = label["splits"].items()
        without = [split for split, counts in splits if not counts["present"]]
        only = [split for split, counts in splits if not counts["absent"]]
        few = [
            f"{split} ({counts['patients_with_it']})"
            for split, counts in splits
            if 0 < counts["patients_with_it"] < FEW_POSITIVES
        ]
        parts = [
            f"{words} in {', '.join(names)}"
            for words, names in (
                ("no image with it", without),
                ("no image without it", only),
                (f"fewer than {FEW_POSITIVES} patients with it", few),
            )
            if names
        ]
        if parts:
            yield f"Label {label['label']}: {'; '.join(parts)}."


def _balance_warnings(card: Mapping[str, Any]) -> Iterator[str]:
    for found in card["balance"]:
        if differs(found):
            yield f"{found['characteristic'].capitalize()}: {found['test']['reading']}"


def _rule_warnings(card: Mapping[str, Any]) -> Iterator[str]:
    figures = ("measure", "kappa", "images", "differing", "cause")
    agreements = [
        Agreement(annotators=(), **{name: each[name] for name in figures}) for each in card["agreement"]
    ]
    warning = rule_warning(card["settings"]["rule"], agreements)
    if warning:
        yield warning


def known_biases(card: Mapping[str, Any]) -> list[str]:
    """Return a sentence for everything that makes the images of a card unlike those of a hospital."""
    return [
        "The images come from the archive that this installation reads, as it was when the set was frozen.",
        *_selection_biases(card),
        *_share_biases(card),
        *_label_biases(card),
        "Ages over 89 are given as 90, and dates are shifted, so seasons and weekdays carry no meaning.",
    ]


def _selection_biases(card: Mapping[str, Any]) -> Iterator[str]:
    funnel = card["funnel"]
    if funnel is None:
        return
    held = funnel["files"]["left_out"].get("held", 0) + funnel["files"]["left_out"].get("quarantined", 0)
    if held:
        yield (
            f"{held:,} file(s) are held or in quarantine, so examinations that often show text or can't be "
            "read are rarer here than in the archive."
        )
    rates = {
        modality: (1 - verdicts.get("good", 0) / sum(verdicts.values()), sum(verdicts.values()))
        for modality, verdicts in funnel["verdicts"].items()
    }
    yield from _rate_biases(
        {name: rate for name, (rate, number) in rates.items() if number >= _ENOUGH_IMAGES}
    )


def _rate_biases(rates: Mapping[str, float]) -> Iterator[str]:
    """Yield a sentence if the quality check leaves out much more of one modality than of another."""
    if len(rates) < 2:
        return
    most, least = max(rates, key=lambda name: rates[name]), min(rates, key=lambda name: rates[name])
    if rates[most] >= _DIFFERENT_RATE * rates[least] and rates[most] - rates[least] >= 0.01:
        yield (
            f"The quality check passed {100 * (1 - rates[most]):.1f} % of {most} and "
            f"{100 * (1 - rates[least]):.1f} % of {least}, so {most} is rarer here than in the archive."
        )


def _share_biases(card: Mapping[str, Any]) -> Iterator[str]:
    for found in card["balance"]:
        totals = {value: sum(splits.values()) for value, splits in found["patients"].items()}
        known = {value: number for value, number in totals.items() if value not in {UNKNOWN, OTHERS}}
        number = sum(totals.values())
        largest = max(known, key=lambda value: known[value], default=None)
        if largest is not None and known[largest] / number >= _LARGE_SHARE:
            share = 100 * known[largest] / number
            yield f"{found['characteristic'].capitalize()}: {share:.0f} % of the patients have {largest}."
        if totals.get(UNKNOWN, 0) / number >= _UNKNOWN_SHARE:
            share = 100 * totals[UNKNOWN] / number
            yield f"{found['characteristic'].capitalize()}: unknown for {share:.0f} % of the patients."


def _label_biases(card: Mapping[str, Any]) -> Iterator[str]:
    images = card["counts"]["images"]
    shares = {
        label["label"]: sum(counts["missing"] for counts in label["splits"].values()) / images
        for label in card["labels"]
    }
    unread = [f"{name} ({100 * share:.0f} %)" for name, share in shares.items() if share >= _UNKNOWN_SHARE]
    if unread:
        yield (
            f"Images without a label: {', '.join(unread)}. "
            "The labelled ones may have been chosen by what they show."
        )
    single = [each["label"] for each in card["agreement"] if each["annotators"] < 2]
    if single:
        yield f"One annotator alone gave the labels {', '.join(single)}; nobody checked how far others agree."
