"""Attributes at the levels of a data set: its top, the shared groups, the groups of each frame (C.7.6.16)."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.unit.imaging.rendering.generated.look_up_table import Draw, Table

Order = str  # "<" or ">"


@dataclass(frozen=True)
class Rescale:
    """A slope and an intercept (C.11.1.1.2)."""

    slope: float
    intercept: float
    kind: str | None = None  # the Rescale Type

    def elements(self) -> dict[str, Any]:
        found: dict[str, Any] = {"RescaleSlope": self.slope, "RescaleIntercept": self.intercept}
        return found if self.kind is None else found | {"RescaleType": self.kind}


@dataclass(frozen=True)
class Windows:
    """One or several windows, of which the first is drawn (C.11.2.1.2)."""

    centers: tuple[float, ...]
    widths: tuple[float, ...]
    function: str | None = None

    def elements(self) -> dict[str, Any]:
        found: dict[str, Any] = {"WindowCenter": list(self.centers), "WindowWidth": list(self.widths)}
        if len(self.centers) > 1:
            found["WindowCenterWidthExplanation"] = [f"VIEW {one}" for one in range(len(self.centers))]
        return found if self.function is None else found | {"VOILUTFunction": self.function}


@dataclass(frozen=True)
class Levels:
    """What stands at each level; None if nothing does."""

    data_set: Any = None
    shared: Any = None
    frames: tuple[Any, ...] = ()

    def of(self, index: int) -> Any:
        """What applies to a frame: what is nearest to it."""
        of_frame = self.frames[index] if self.frames else None
        return next((one for one in (of_frame, self.shared, self.data_set) if one is not None), None)

    def all(self) -> list[Any]:
        return [one for one in (self.data_set, self.shared, *self.frames) if one is not None]


@st.composite
def levels(draw: Draw, one: st.SearchStrategy[Any], frames: int) -> Levels:
    """Nothing, or something at one level or at several."""
    used = draw(st.sampled_from(["", "d", "d", "d", "s", "f", "df", "ds", "sf", "dsf"]))
    of_frames = tuple(draw(st.one_of(one, one, st.none())) for _ in range(frames)) if "f" in used else ()
    return Levels(draw(one) if "d" in used else None, draw(one) if "s" in used else None, of_frames)


def place(ds: Dataset, chosen: Levels, sequence: str, table: str, order: Order, *, frames: int) -> None:
    """Write what stands at each level: in the data set, or in an item of `sequence` in its groups."""
    _add(ds, chosen.data_set, table, order)
    for keyword, groups in (
        ("SharedFunctionalGroupsSequence", [chosen.shared]),
        ("PerFrameFunctionalGroupsSequence", chosen.frames),
    ):
        if all(one is None for one in groups):
            continue
        if keyword not in ds:
            number = 1 if keyword.startswith("Shared") else frames
            setattr(ds, keyword, Sequence([Dataset() for _ in range(number)]))
        for group, one in zip(ds[keyword].value, groups, strict=True):
            if one is not None:
                item = Dataset()
                _add(item, one, table, order)
                setattr(group, sequence, Sequence([item]))


def _add(ds: Dataset, one: Any, table: str, order: Order) -> None:
    if isinstance(one, Table):
        setattr(ds, table, Sequence([one.item(order)]))
    elif one is not None:
        for keyword, value in one.elements().items():
            setattr(ds, keyword, value)
