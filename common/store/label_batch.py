"""The keys of a batch of tasks in the bucket `labelling`: copies of images, and their tasks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Batch:
    """The tasks of one name."""

    name: str

    @property
    def images(self) -> str:
        """The prefix of the keys of its images."""
        return f"{self.name}/images/"

    @property
    def tasks(self) -> str:
        """The prefix of the keys of its tasks."""
        return f"{self.name}/tasks/"


def patient_prefixes(tops: Iterable[str], patient: str) -> Iterator[str]:
    """The prefixes of a patient's keys in the bucket `labelling`, whose top folders are `tops`."""
    for top in tops:
        batch = Batch(top.rstrip("/"))
        yield f"{batch.images}{patient}/"
        yield f"{batch.tasks}{patient}/"
