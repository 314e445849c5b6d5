"""Puts the files of a campaign into a home, and knows which of them were accepted."""

import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from deidentification.pseudonym import Pseudonyms
from tests.faults.input_files import PICTURES, InputFile
from tests.support.local_home import RunningHome

PUT_SECONDS = 120  # a put is repeated for at most this long
Unit = list[InputFile]  # one object, or all files of one NAS folder


class FileFeeder:
    """Puts files into raw or on the NAS, and label files for some of their images."""

    def __init__(self, home: RunningHome, inputs: Sequence[InputFile], nas: Path, pseudonyms: Pseudonyms):
        self._home = home
        self._nas = nas
        self._pseudonyms = pseudonyms
        self._on_nas: dict[str, Unit] = {}  # by folder, until the folder is marked as processed
        self.units = _units(inputs)
        self.accepted: Unit = []
        self.labels: list[str] = []  # keys of images

    def feed(self, units: Sequence[Unit]) -> None:
        """Put files in, each until it is accepted, and labels for images that may not exist yet."""
        for unit in units:
            if unit[0].is_from_nas:
                self._drop_folder(unit)
            else:
                self._put("raw", f"incoming/{unit[0].relative_key}", unit[0].body)
                self.accepted.append(unit[0])
        stems = [f.stem(self._pseudonyms) for unit in units for f in unit if f.kind in PICTURES]
        keys = [key for stem in stems[:3] if (key := f"{stem}/1.png") not in self.labels]
        if keys:
            lines = ["image,label,value", *(f"{key},fracture,1" for key in dict.fromkeys(keys))]
            self.labels += list(dict.fromkeys(keys))
            self._put("annotations", f"labels {len(self.labels)}.csv", "\n".join(lines).encode())

    def accept_marked_folders(self) -> None:
        """Add the files of folders that are marked as processed to the accepted files."""
        for name in [each for each in self._on_nas if (self._nas / f"{each}_processed").exists()]:
            self.accepted += self._on_nas.pop(name)

    def _drop_folder(self, files: Unit) -> None:
        folder = files[0].folder
        staged = self._nas.with_name("staged") / folder
        staged.mkdir(parents=True)
        for each in files:
            (staged / each.name).write_bytes(each.body)
        staged.rename(self._nas / folder)
        self._on_nas[folder] = files

    def _put(self, bucket: str, key: str, body: bytes) -> None:
        deadline = time.monotonic() + PUT_SECONDS
        while True:
            try:
                self._home.put(key, body, bucket=bucket)
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return


def parts(units: list[Unit], number: int) -> Iterator[list[Unit]]:
    """Split the units into `number` parts of about the same number of files."""
    total, begin, fed = sum(map(len, units)), 0, 0
    for part in range(1, number + 1):
        end = begin
        while end < len(units) and (part == number or fed < total * part / number):
            fed += len(units[end])
            end += 1
        yield units[begin:end]
        begin = end


def _units(inputs: Sequence[InputFile]) -> list[Unit]:
    ordered = sorted((f for f in inputs if f.is_from_nas), key=lambda f: f.folder)
    folders = {name: list(files) for name, files in groupby(ordered, key=lambda f: f.folder)}
    units: list[Unit] = []
    for each in inputs:
        if not each.is_from_nas:
            units.append([each])
        elif each.folder in folders:
            units.append(folders.pop(each.folder))
    return units
