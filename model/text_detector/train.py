"""Train the detector's net and measure it: ``python -m model.text_detector.train``.

Writes the weights to `deidentification/pixels/text` and a card with figures beside them. Run it on one thread
(OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1): then the same packages give the same weights.

The thresholds are chosen on some patients of the tuning half that the net doesn't learn from.
"""

import ast
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import click
import numpy as np

from deidentification.pixels.text import cell_net, edge_cells
from deidentification.pixels.text.arrays import Bytes
from deidentification.pixels.text.cell_net import WEIGHTS, Weights
from model.text_detector.choosing import Thresholds, choose, choosers
from model.text_detector.crops import Cells, CropMaker
from model.text_detector.evaluate import measure
from model.text_detector.fonts.designs import FONT_PACKAGES, Half, designs
from model.text_detector.mining import hard_crops
from model.text_detector.pictures import sources
from model.text_detector.training import Progress, Stage, initial_weights, train_stage
from model.training.sources.corpus import Source

CARD = WEIGHTS.with_suffix(".json")
_EVERYTHING = np.array(-99, np.float32)
_NOT_PART_OF_THE_RECIPE = {"evaluate.py", "figures.py", "text_reader.py"}


@dataclass(frozen=True)
class Recipe:
    """What is trained, and how long."""

    seed: int = 1
    crops: int = 16_000
    first: Stage = field(default_factory=lambda: Stage(2000, 3e-3, 2))
    second: Stage = field(default_factory=lambda: Stage(2000, 2e-3, 3))
    third: Stage = field(default_factory=lambda: Stage(3000, 1.5e-3, 4))

    def described(self) -> dict[str, object]:
        """As a dictionary for the card."""
        return asdict(self)


def fit(sources: Sequence[Source], recipe: Recipe, progress: Progress) -> Weights:
    """Train on sources of the tuning half. The same sources, recipe and machine give the same weights."""
    rng = np.random.default_rng(recipe.seed)
    crops, cells = _crops(sources, recipe.crops, rng)
    progress(f"Made {len(crops)} crops.")
    weights = train_stage(initial_weights(recipe.seed), crops, cells, recipe.first, progress)
    for stage in (recipe.second, recipe.third):
        hard, hard_cells = hard_crops({**weights, "early": _EVERYTHING}, sources, rng)
        progress(f"Found {len(hard)} hard crops.")
        crops, cells = np.concatenate([crops, hard]), np.concatenate([cells, hard_cells])
        weights = train_stage(weights, crops, cells, stage, progress)
    return weights


def _crops(sources: Sequence[Source], number: int, rng: np.random.Generator) -> tuple[Bytes, Cells]:
    maker = CropMaker(sources, rng)
    made = [maker.crop() for _ in range(number)]
    return np.stack([crop for crop, _ in made]), np.stack([cells for _, cells in made])


def train(recipe: Recipe, progress: Progress) -> tuple[Weights, dict[str, Any]]:
    """The weights, with their thresholds, and the card without figures."""
    tuning = sources(Half.TUNING)
    names = choosers(tuning)
    weights = fit([source for source in tuning if source.name not in names], recipe, progress)
    thresholds = choose(weights, [source for source in tuning if source.name in names])
    progress(f"Chose {thresholds}.")
    weights["early"] = np.array(thresholds.early, np.float32)
    weights["sure"] = np.array(thresholds.sure, np.float32)
    return weights, _card(recipe, thresholds, tuning, sorted(names))


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 over the recipe, the code, the fonts' archives and the pictures of the tuning half."""
    digest = hashlib.sha256(json.dumps(recipe.described(), sort_keys=True).encode())
    for folder in (Path(__file__).parent, WEIGHTS.parent):
        for path in sorted(folder.rglob("*.py")):
            if path.name not in _NOT_PART_OF_THE_RECIPE:
                digest.update(_statements(path).encode())
    for package in FONT_PACKAGES.values():
        digest.update(f"{package.pinned} {package.sha256}".encode())
    for source in sources(Half.TUNING):
        digest.update(source.digest.encode())
    return digest.hexdigest()


def _statements(path: Path) -> str:
    """A module without comments and docstrings, so that a reworded one is the same recipe."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [statement for statement in body if not _is_string(statement)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_string(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _card(
    recipe: Recipe, thresholds: Thresholds, tuning: tuple[Source, ...], names: list[str]
) -> dict[str, Any]:
    return {
        "recipe": recipe.described(),
        "recipe_sha256": recipe_digest(recipe),
        "steps": recipe.first.steps + recipe.second.steps + recipe.third.steps,
        "thresholds": {**asdict(thresholds), "chosen_on": names},
        "edge": [edge_cells.EDGE, edge_cells.LARGEST_EDGE],
        "cell": cell_net.CELL,
        "tuning_half": {
            "fonts": [design.name for design in designs(Half.TUNING)],
            "sources": [source.name for source in tuning],
        },
        "measured_half": {
            "fonts": [design.name for design in designs(Half.MEASURED)],
            "sources": [source.name for source in sources(Half.MEASURED)],
        },
    }


@click.command()
def main() -> None:
    """Train the net, write its weights, measure it and write its card."""
    weights, card = train(Recipe(), click.echo)
    np.savez(WEIGHTS, **cast("Any", weights))
    cell_net.load_weights.cache_clear()
    card["weights_sha256"] = hashlib.sha256(
        b"".join(weights[name].tobytes() for name in sorted(weights))
    ).hexdigest()
    card["figures"] = measure()
    CARD.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    click.echo(f"Wrote {WEIGHTS.name} and {CARD.name}.")


if __name__ == "__main__":
    main()
