"""The rows of a label file as text for COPY into the staging table, with numbers for repeated names."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from common.errors import PermanentError
from common.labels.label_text import NEXT_STEP
from functions.annotations.formats.image_name import ImageName
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.label_value import Cache

_BATCH = 5000  # rows
MAX_NAMES = 10_000
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_KNOWN = "\\N\t\\N\t\\N\t\\N\n"  # the columns of an image's name, in all of its rows but the first


class NameNumbers(dict[str | None, str]):
    """A number from 1 for each name, as text for COPY; `names` has the names in this order.

    None becomes null.
    """

    def __init__(self, kind: str) -> None:
        super().__init__({None: "\\N"})
        self.names: list[str] = []
        self._kind = kind

    def __missing__(self, name: str) -> str:
        if len(self.names) >= MAX_NAMES:
            cause = f"The label file has over {MAX_NAMES} different {self._kind}; is it the right column?"
            raise PermanentError(cause, NEXT_STEP)
        self.names.append(name)
        number = self[name] = str(len(self.names))
        return number


class CopyRows:
    """Makes the text of the rows, batch by batch; afterwards it has the names by their numbers."""

    def __init__(self) -> None:
        self.labels, self.annotators = NameNumbers("labels"), NameNumbers("annotators")
        self.controls = NameNumbers("controls")
        # False once the rows return to an image, or have a label of an image twice.
        self.are_unique = True
        self._images = 0

    def batches(self, rows: Iterable[LabelRow], heartbeat: Callable[[], None]) -> Iterator[str]:
        """Blocks of lines; `heartbeat` is called between them."""
        lines = self._lines(rows)
        while batch := "".join(islice(lines, _BATCH)):
            yield batch
            heartbeat()

    def _lines(self, rows: Iterable[LabelRow]) -> Iterator[str]:
        labels, annotators, controls = self.labels, self.annotators, self.controls
        values = Cache(value_text)
        times: Cache[object, str] = Cache(time_text)
        images: Cache[ImageName, str] = Cache(self._next_number)
        written, last, number = 0, None, ""
        seen: set[str] = set()  # the labels of the present image
        for line, image, label, value, annotator, at, control in rows:
            name = _KNOWN
            if image is not last:
                last, number = image, images[image]
                if self._images != written:
                    written, name = self._images, _name_columns(image)
                    seen.clear()
                else:
                    self.are_unique = False
            numbers = f"{labels[label]}\t{annotators[annotator]}\t{controls[control]}"
            time = times[at]
            if self.are_unique:
                before = len(seen)
                seen.add(numbers + time)
                self.are_unique = len(seen) > before
            yield f"{line}\t{number}\t{numbers}\t{values[value]}\t{time}\t{name}"

    def _next_number(self, _: ImageName) -> str:
        self._images += 1
        return str(self._images)


def _name_columns(image: ImageName) -> str:
    frame = "\\N" if image.frame is None else image.frame
    path = "\\N" if image.path is None else image.path.translate(_ESCAPES)
    return f"{image.level}\t{image.uid}\t{frame}\t{path}\n"


def value_text(value: float | None) -> str:
    """A value as text for COPY, with the seven digits that `real` can store."""
    return "\\N" if value is None else f"{value:.7g}"


def time_text(at: object) -> str:
    """A time as text for COPY."""
    return "\\N" if at is None else str(at)
