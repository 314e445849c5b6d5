"""The judged images, those whose scores are nearest to the threshold first."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from common.database import Database, queries

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAGE = 48  # images of one page
VERDICTS = ("review", "good", "low_quality", "black")
ALL = "all"
_UNKNOWN = "unknown"  # in an address, for images without a modality
_LARGEST_FRAME = 2**31 - 1


@dataclass(frozen=True)
class Filter:
    """Which images are shown; the ones that wait for a person by default."""

    verdict: str = VERDICTS[0]
    modality: str | None = None  # None: every one; empty: unknown

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Filter":
        """The filter in the query of an address, or in a form."""
        verdict, modality = values.get("of_verdict", ""), values.get("modality") or None
        known = verdict if verdict in {*VERDICTS, ALL} else VERDICTS[0]
        return cls(known, "" if modality == _UNKNOWN else modality)

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        chosen = {} if self.modality is None else {"modality": self.modality or _UNKNOWN}
        return {"of_verdict": self.verdict, **chosen}


@dataclass(frozen=True)
class Position:
    """The image after which a page begins."""

    nearness: float = -1.0
    uid: str = ""
    frame: int = 0

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Position":
        """The position in the query of an address, or in a form; the beginning if there is none."""
        nearness, _, rest = values.get("after", "").partition("~")
        uid, _, frame = rest.rpartition("~")
        try:
            found = cls(float(nearness), uid.replace("\0", ""), int(frame))
        except ValueError:
            return cls()
        return found if isfinite(found.nearness) and 0 <= found.frame <= _LARGEST_FRAME else cls()

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        return {} if self == Position() else {"after": f"{self.nearness!r}~{self.uid}~{self.frame}"}


class NearestImages:
    """Reads judged images in the order of an index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def modalities(self) -> list[str]:
        """The modalities of all judged images; an empty one is unknown."""
        return [str(row["modality"]) for row in self._database.all(_SQL["modalities"])]

    def listed(
        self, chosen: Filter, modalities: list[str], *, after: Position, most: int = PAGE
    ) -> list[dict[str, Any]]:
        """Images in order of the distance between score and threshold; `modalities` are all there are."""
        return self._database.all(
            _SQL["nearest"],
            modalities=_wanted(chosen, modalities),
            verdicts=list(VERDICTS) if chosen.verdict == ALL else [chosen.verdict],
            after_nearness=after.nearness,
            after_uid=after.uid,
            after_frame=after.frame,
            most=most,
        )

    def waiting(self, chosen: Filter, modalities: list[str]) -> int:
        """How many images of the chosen modality wait for a person, at most 1,000."""
        row = self._database.one(_SQL["waiting"], modalities=_wanted(chosen, modalities))
        return int(row["images"]) if row else 0

    def overruled_by(self, who: str) -> list[dict[str, Any]]:
        """What a user overruled last, with the reasons; the newest first."""
        return self._database.all(_SQL["overruled_by"], who=who)


def _wanted(chosen: Filter, modalities: list[str]) -> list[str]:
    return [each for each in modalities if chosen.modality in {None, each}]
