"""Rows of a label file as Postgres' COPY takes them, with numbers for whatever is repeated."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from common.errors import PermanentError
from common.labels.label_text import NEXT
from functions.annotations.formats.image_name import ImageName
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.label_value import Remembered

_BATCH = 5000  # rows
MOST_NAMES = 10_000
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_KNOWN = "\\N\t\\N\t\\N\t\\N\n"  # a name that was written out in an earlier row


class Numbered(dict[str | None, str]):
    """Numbers from 1 for names, as COPY's text, none's too. `names` has them in order."""

    def __init__(self, what: str) -> None:
        super().__init__({None: "\\N"})
        self.names: list[str] = []
        self._what = what

    def __missing__(self, name: str) -> str:
        if len(self.names) >= MOST_NAMES:
            cause = f"The label file has over {MOST_NAMES} different {self._what}; is it the right column?"
            raise PermanentError(cause, NEXT)
        self.names.append(name)
        number = self[name] = str(len(self.names))
        return number


class CopyRows:
    """The text of the rows, batch by batch; afterwards the names that have the numbers."""

    def __init__(self) -> None:
        self.labels, self.annotators = Numbered("labels"), Numbered("annotators")
        self.controls = Numbered("controls")
        self.is_once = True  # whether no name comes twice, and no label twice with one name
        self._images = 0

    def batches(self, rows: Iterable[LabelRow], heartbeat: Callable[[], None]) -> Iterator[str]:
        """Blocks of lines; `heartbeat` is called between them."""
        lines = self._lines(rows)
        while batch := "".join(islice(lines, _BATCH)):
            yield batch
            heartbeat()

    def _lines(self, rows: Iterable[LabelRow]) -> Iterator[str]:
        labels, annotators, controls = self.labels, self.annotators, self.controls
        values = Remembered(value_text)
        times: Remembered[object, str] = Remembered(time_text)
        images: Remembered[ImageName, str] = Remembered(self._number)
        written, last, number = 0, None, ""
        said: set[str] = set()  # of the image the rows are at
        for line, image, label, value, annotator, at, control in rows:
            name = _KNOWN
            if image is not last:
                last, number = image, images[image]
                if self._images != written:
                    written, name = self._images, _name(image)
                    said.clear()
                else:
                    self.is_once = False
            what = f"{labels[label]}\t{annotators[annotator]}\t{controls[control]}"
            when = times[at]
            if self.is_once:
                before = len(said)
                said.add(what + when)
                self.is_once = len(said) > before
            yield f"{line}\t{number}\t{what}\t{values[value]}\t{when}\t{name}"

    def _number(self, _: ImageName) -> str:
        self._images += 1
        return str(self._images)


def _name(image: ImageName) -> str:
    frame = "\\N" if image.frame is None else image.frame
    path = "\\N" if image.path is None else image.path.translate(_ESCAPES)
    return f"{image.level}\t{image.uid}\t{frame}\t{path}\n"


def value_text(value: float | None) -> str:
    """A value as COPY takes it; more digits than `real` keeps say nothing."""
    return "\\N" if value is None else f"{value:.7g}"


def time_text(at: object) -> str:
    """A time as COPY takes it."""
    return "\\N" if at is None else str(at)
