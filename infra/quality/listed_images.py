"""Images by their verdict, above all those that wait for a person."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from common.database import queries

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class ListedImages:
    """The first images of a verdict, and how many there are by modality."""

    verdict: str
    images: list[dict[str, Any]]
    numbers: dict[str, int]

    @property
    def text(self) -> str:
        """One line an image: modality, score, key and reasons."""
        total = sum(self.numbers.values())
        by_modality = ", ".join(f"{modality} {number}" for modality, number in self.numbers.items())
        lines = [f"{total} image(s) with the verdict {self.verdict}" + (f" ({by_modality})" if total else "")]
        lines += map(_line, self.images)
        if total > len(self.images):
            lines.append(f"and {total - len(self.images)} more; -n {total} lists all")
        if total and self.verdict == "review":
            lines.append("Decide with: dcm2set quality set KEY good|low_quality --why '…'")
        return "\n".join(lines)


def listed_images(
    connection: psycopg.Connection[Any], verdict: str, modality: str | None, most: int
) -> ListedImages:
    """The images of a verdict, at most `most`, by modality and falling score."""
    rows = connection.cursor(row_factory=dict_row)
    values = {"verdict": verdict, "modality": modality, "most": most}
    images = rows.execute(_SQL["images"], values).fetchall()
    numbers = rows.execute(_SQL["numbers"], values).fetchall()
    return ListedImages(verdict, images, {row["modality"] or "?": row["images"] for row in numbers})


def _line(image: dict[str, Any]) -> str:
    reasons = ", ".join(image["reasons"])
    return f"{image['modality'] or '?':<4} {image['score']:.2f}  {image['key']}  {reasons}".rstrip()
