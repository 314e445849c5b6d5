"""Marks of processed folders whose marked name is taken."""

from pathlib import Path

import pytest

from common.nas.mounted_share import FolderNas
from common.nas.nas import NameTakenError
from functions.poll_nas import poll_folders
from tests.in_memory.nas import InMemoryNas
from tests.support.poll_bench import Polls


class CaseInsensitiveNas(InMemoryNas):
    """A share that takes names in other letter case for the same."""

    def rename_folder(self, folder: str, name: str) -> None:
        if name.lower() in {each.lower() for each in self.folders if each != folder}:
            raise NameTakenError
        super().rename_folder(folder, name)


@pytest.mark.parametrize("taken", ["X_PROCESSED", "x_Processed"])
def test_a_marked_name_in_other_letter_case_is_taken(taken: str) -> None:
    """The folder gets a number, the other folder stays, and no poll fails."""
    nas = CaseInsensitiveNas()
    nas.write("X", "1.dcm", b"a")
    nas.write(taken, "2.dcm", b"b")
    polls = Polls(nas=nas)
    answers = [polls.until_quiet(), polls.until_quiet()]
    assert "X_processed2" in nas.names()
    assert b"b" == nas.folders[next(name for name in nas.names() if "2.dcm" in nas.folders[name])]["2.dcm"][0]
    assert [] == [folder for answer in answers for folder in answer["folders"] if "cause" in folder]
    assert "no_updates" == polls.until_quiet()["status"]


def test_a_marked_name_that_a_file_has_is_taken(tmp_path: Path) -> None:
    """On a mounted share: files in the root are not listed with the folders, and are never overwritten."""
    (tmp_path / "X").mkdir()
    (tmp_path / "X" / "1.dcm").write_bytes(b"a")
    for name in ("X_processed", "X_processed2"):
        (tmp_path / name).write_bytes(b"file")
    polls = Polls(nas=FolderNas(tmp_path))
    polls.until_quiet()
    assert ["X_processed", "X_processed2", "X_processed3"] == sorted(path.name for path in tmp_path.iterdir())
    assert [b"file"] * 2 == [(tmp_path / name).read_bytes() for name in ("X_processed", "X_processed2")]
    assert "X_processed3" == polls.rows.folders[1].mark or "X_processed3" == polls.rows.folders[2].mark


def test_a_poll_does_not_try_names_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no name can be had, the folder stays, the cause is reported, and other folders are marked."""
    monkeypatch.setattr(poll_folders, "_MOST_MARKS", 3)
    tried = []

    class RefusingNas(InMemoryNas):
        def rename_folder(self, folder: str, name: str) -> None:
            if folder == "X":
                tried.append(name)
                raise NameTakenError
            super().rename_folder(folder, name)

    nas = RefusingNas()
    nas.write("X", "1.dcm", b"a")
    nas.write("Y", "1.dcm", b"a")
    polls = Polls(nas=nas)
    answer = polls.until_quiet()
    assert ["X", "Y_processed"] == nas.names()
    assert ["X_processed", "X_processed2", "X_processed3"] == tried
    assert ["the marked name is taken" in each["cause"] for each in answer["folders"] if "cause" in each] == [
        True
    ]
