"""The decisions of persons that the gate for burned-in text follows."""

from dataclasses import dataclass

from imaging.options import Rectangle


@dataclass(frozen=True)
class Releases:
    """What persons decided on a held file."""

    number: int = 0  # how often it was released
    blank: tuple[Rectangle, ...] = ()  # what must be made black


NOT_RELEASED = Releases()
