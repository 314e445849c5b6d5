"""The dataset card of a version: README.md with its plots, and the same as card.json."""

import re
from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa

from training_set.card import sections
from training_set.card.card_data import card_data
from training_set.card.plots import plot_balance, plot_characteristics, plot_cooccurrence, plot_funnel
from training_set.card.reading_sections import column_section, file_section, joining_section
from training_set.selection.statement import LICENCE

CARD, CARD_DATA = "README.md", "card.json"
BALANCE, COOCCURRENCE = "plots/class-balance.png", "plots/co-occurrence.png"
FUNNEL, CHARACTERISTICS = "plots/funnel.png", "plots/patients-by-split.png"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
# Licences that the Hugging Face hub knows by name; any other one is `other` with a name of its own.
_KNOWN_LICENCE = re.compile(r"cc0-1\.0|cc-by(-nc)?(-sa|-nd)?-[234]\.0|mit|apache-2\.0|odbl|pddl|unlicense")


def card_files(head: Mapping[str, Any], table: pa.Table) -> dict[str, bytes]:
    """Return README.md, card.json and the plots by name. Equal training sets give equal bytes.

    `head` is the first part of the manifest, and `table` has a row for each image.
    """
    card = card_data(head, table)
    files = {
        CARD: _text(card).encode(),
        CARD_DATA: orjson.dumps(card, option=orjson.OPT_INDENT_2) + b"\n",
        CHARACTERISTICS: plot_characteristics(card),
    }
    if card["funnel"] is not None:
        files[FUNNEL] = plot_funnel(card["funnel"])
    if card["labels"]:
        files |= {BALANCE: plot_balance(card), COOCCURRENCE: plot_cooccurrence(card, table)}
    return files


def _text(card: Mapping[str, Any]) -> str:
    parts = [
        _front_matter(card),
        f"# {card['name']}, version {card['version']}\n",
        f"Frozen by dcm2set at {card['created_at']}. Pictures are de-identified, keys are pseudonyms.\n",
        sections.statement_section(card),
        sections.warning_section(card),
        sections.split_section(card),
        sections.funnel_section(card, FUNNEL),
        sections.label_section(card, (BALANCE, COOCCURRENCE)),
        sections.agreement_section(card),
        sections.balance_section(card, CHARACTERISTICS),
        sections.bias_section(card),
        sections.change_section(card),
        sections.origin_section(card),
        joining_section(),
        file_section(),
        column_section(card),
    ]
    return "\n".join(part for part in parts if part)


def _front_matter(card: Mapping[str, Any]) -> str:
    size = next((word for most, word in _SIZES if card["counts"]["images"] < most), "n>1M")
    files = "\n".join(f'  - split: {name}\n    path: "{name}/**"' for name in card["splits"])
    return (
        f"---\npretty_name: {_quoted(card['name'] + ' v' + str(card['version']))}\n"
        f"{_licence(card['statement'].get(LICENCE))}"
        "task_categories:\n- image-classification\n"
        "task_ids:\n- multi-label-image-classification\n"
        "tags:\n- medical\n- radiology\n"
        f"size_categories:\n- {size}\n"
        f"configs:\n- config_name: default\n  data_files:\n{files}\n---\n"
    )


def _licence(text: str | None) -> str:
    if text is None:
        return "license: unknown\n"
    known = text.lower().replace(" ", "-")
    if _KNOWN_LICENCE.fullmatch(known):
        return f"license: {known}\n"
    return f"license: other\nlicense_name: {_quoted(text)}\n"


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
