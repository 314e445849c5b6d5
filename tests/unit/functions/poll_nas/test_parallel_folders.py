"""Polls that visit several folders at a time."""

from dataclasses import dataclass, field
from threading import Barrier, Lock
from typing import BinaryIO

from common.store.object_key import RAW, Location
from common.store.object_store import ObjectVersion
from tests.in_memory.nas import InMemoryNas
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.poll_bench import QUIET, Polls


class _MeetingNas(InMemoryNas):
    """A NAS whose files are sent two at a time only."""

    def __init__(self) -> None:
        super().__init__()
        self.meeting = Barrier(2, timeout=30)

    def open(self, folder: str, path: str) -> BinaryIO:
        self.meeting.wait()
        return super().open(folder, path)


@dataclass
class _Busiest:
    """Counts how many uploads run at once, at most."""

    store: InMemoryObjectStore
    running: int = 0
    most: int = 0
    lock: Lock = field(default_factory=Lock)

    def upload(self, location: Location, stream: BinaryIO, *, size: int) -> ObjectVersion:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            return InMemoryObjectStore.upload(self.store, location, stream, size=size)
        finally:
            with self.lock:
                self.running -= 1


def test_files_of_two_folders_are_copied_at_the_same_time() -> None:
    """Folders of one file each do not wait for one another; each is marked with a name of its own."""
    polls = Polls(nas=_MeetingNas(), copies=2, folders=2)
    for folder in ("f", "g"):
        polls.nas.write(folder, "a.dcm", folder.encode())
    polls.poll()
    answer = polls.poll(after=QUIET + 1)
    assert [1, 1] == [folder["copied"] for folder in answer["folders"]]
    assert ["nas/f/a.dcm", "nas/g/a.dcm"] == sorted(polls.store.keys(RAW))
    assert ["f_processed", "g_processed"] == sorted(polls.nas.names())


def test_all_folders_share_the_limit_of_copies() -> None:
    """However many folders are visited at a time, no more files are copied at a time than set."""
    polls = Polls(copies=2, folders=4)
    busiest = _Busiest(polls.store)
    polls.store.upload = busiest.upload  # type: ignore[method-assign]
    for folder in "abcdef":
        for number in range(5):
            polls.nas.write(folder, f"{number}.dcm", f"{folder}{number}".encode())
    polls.until_quiet()
    assert 30 == len(polls.store.keys(RAW))
    assert busiest.most <= 2
    assert [f"{folder}_processed" for folder in "abcdef"] == sorted(polls.nas.names())


def test_a_folder_that_fails_does_not_end_the_others() -> None:
    """Its cause is in the answer, and the folders beside it are copied and marked."""
    polls = Polls(copies=2, folders=3)
    for folder in ("bad", "f", "g"):
        polls.nas.write(folder, "a.dcm", folder.encode())
    polls.poll()
    polls.nas.unreadable = {"bad/a.dcm"}
    answer = polls.poll(after=QUIET + 1)
    assert 1 == sum("cause" in folder for folder in answer["folders"])
    assert ["bad", "f_processed", "g_processed"] == sorted(polls.nas.names())
