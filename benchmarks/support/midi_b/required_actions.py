"""What must become of a value or of pixels: the ten types of actions of the MIDI-B challenge."""

from dataclasses import dataclass
from enum import StrEnum

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

Rectangle = tuple[int, int, int, int]  # left, top, width, height


class Action(StrEnum):
    """A type of action."""

    TAG_RETAINED = "tag_retained"
    TEXT_NOTNULL = "text_notnull"
    TEXT_RETAINED = "text_retained"
    TEXT_REMOVED = "text_removed"
    DATE_SHIFTED = "date_shifted"
    UID_CHANGED = "uid_changed"
    UID_CONSISTENT = "uid_consistent"
    PATID_CONSISTENT = "patid_consistent"
    PIXELS_HIDDEN = "pixels_hidden"
    PIXELS_RETAINED = "pixels_retained"

    @property
    def is_done_if_nothing_leaves(self) -> bool:
        """Whether a file that is held fulfils it."""
        return self in {Action.TEXT_REMOVED, Action.UID_CHANGED, Action.PIXELS_HIDDEN}


class Category(StrEnum):
    """Why an action is required."""

    HIPAA = "hipaa"
    STANDARD = "standard"
    PRACTICE = "practice"


@dataclass(frozen=True)
class Place:
    """Where an element is: in the data set or in the first item of a sequence, or in a private block."""

    name: str  # `Keyword`, `Sequence/Keyword` to any depth, or `GGGG,CREATOR,EE VR`

    @property
    def is_private(self) -> bool:
        """Whether it is a private element."""
        return "," in self.name

    def value(self, ds: Dataset) -> str | None:
        """The element's value as text, its values joined by a backslash; None if there is no such element."""
        if self.is_private:
            return self._private_value(ds)
        *sequences, keyword = self.name.split("/")
        for sequence in sequences:
            if not ds.get(sequence):
                return None
            ds = ds[sequence].value[0]
        return _text(ds, Tag(keyword)) if keyword in ds else None

    def plant(self, ds: Dataset, value: str) -> None:
        """Set the element's value; sequences and private blocks are made if they are absent."""
        if self.is_private:
            group, creator, element, vr = self._private_parts()
            ds.private_block(group, creator, create=True).add_new(element, vr, value)
            return
        *sequences, keyword = self.name.split("/")
        for sequence in sequences:
            if not ds.get(sequence):
                setattr(ds, sequence, [Dataset()])
            ds = ds[sequence].value[0]
        setattr(ds, keyword, value)

    def _private_value(self, ds: Dataset) -> str | None:
        group, creator, element, _ = self._private_parts()
        try:
            block = ds.private_block(group, creator)
        except KeyError:
            return None
        return _text(ds, block.get_tag(element)) if element in block else None

    def _private_parts(self) -> tuple[int, str, int, str]:
        group, creator, rest = self.name.split(",")
        element, _, vr = rest.partition(" ")
        return int(group, 16), creator, int(element, 16), vr


@dataclass(frozen=True)
class Required:
    """One required action on one file."""

    action: Action
    category: Category
    place: Place
    text: str = ""  # that must be retained or removed, or the value before
    rectangle: Rectangle | None = None  # of pixels that must be hidden or retained


def _text(ds: Dataset, tag: BaseTag) -> str:
    element = ds[tag]
    if element.is_empty:
        return ""
    values = element.value if element.VM > 1 else [element.value]
    return "\\".join(str(value) for value in values)
