"""The card of a folder of shards: the card of the version with other files."""

import re

from training_set.formats.shard_format import ShardFormat

_PATH = re.compile(r'^(\s*path:\s*)"?(\w+)/\*\*"?[ \t]*$', re.MULTILINE)
_FILES = re.compile(r"^## Files\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\n(.*?)^---\n", re.MULTILINE | re.DOTALL)


def card_of_shards(card: str, form: ShardFormat) -> str:
    """Return the card with the paths of shards in its front matter and their section on files.

    A card without a licence gets `unknown`, a value that the Hugging Face hub knows.
    """
    found = _FRONT_MATTER.match(card)
    front = found[1] if found else ""
    front = _PATH.sub(lambda match: f'{match[1]}"{form.pattern.format(split=match[2])}"', front)
    if not re.search(r"^license:", front, re.MULTILINE):
        front = f"license: unknown\n{front}"
    rest = card[found.end() :] if found else card
    section = _section(form)
    rest = _FILES.sub(lambda _: section, rest) if _FILES.search(rest) else f"{rest}\n{section}"
    return f"---\n{front}---\n{rest}"


def _section(form: ShardFormat) -> str:
    shards = form.pattern.format(split="<split>")
    return (
        "## Files\n\n| file | contents |\n|---|---|\n"
        f"| `{shards}` | the pictures with every column, in shards |\n"
        "| `shards.json` | split, images, size and SHA-256 of each shard |\n"
        "| `labels.csv` | multi-hot labels: 1, 0, -1 uncertain, a probability, or empty |\n"
        "| `images.parquet` | every column, without the pictures |\n"
        "| `manifest.json` | keys, SHA-256 and labels of all images; origin of the set |\n"
        "| `croissant.json` | files and columns in Croissant 1.1 |\n\n" + form.reading
    )
