"""New names of processed folders."""

import pytest

from common.errors import SettingsError
from common.nas.processed_mark import Mark, configured_mark
from common.settings import Settings, load_settings
from common.store.object_key import RAW
from tests.support.poll_bench import Polls

PATTERNS = ["<name>_processed", "done_<name>", "(<name>) ok", "_old", "x<name>1"]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("name", ["f", "a b", "Müller 100%+", ".*", "m\udcfc", "f\n2", "ä" * 127])
def test_marked_name_has_the_mark(pattern: str, name: str) -> None:
    """A marked name is recognised, is free, and is short enough for a NAS."""
    mark, taken = Mark(pattern), set[str]()
    for _ in range(12):
        marked = mark.name(name, taken)
        assert mark.is_on(marked)
        assert marked not in taken
        assert len(marked.encode("utf-8", "surrogateescape")) <= 255
        taken.add(marked)
    assert not mark.is_on("another")


@pytest.mark.parametrize(
    "taken", ["X_PROCESSED", "x_processed", "É_processed", "e\u0301_Processed", "STRASSE_processed"]
)
def test_names_that_a_share_takes_for_the_same_are_taken(taken: str) -> None:
    """Letter case and the form of accents do not make another name."""
    name = {"X": "X", "x": "X", "É": "é", "e": "É", "S": "straße"}[taken[0]]
    assert f"{name}_processed2" == Mark("<name>_processed").name(name, {taken})


@pytest.mark.parametrize(("pattern", "expected"), [("done_<name>", "done_f"), ("_old", "f_old")])
def test_pattern_of_the_settings(pattern: str, expected: str) -> None:
    """The name replaces `<name>`; a pattern without `<name>` is a suffix."""
    mark = configured_mark(Settings(nas_processed_mark=pattern))
    assert mark is not None
    assert expected == mark.name("f")


@pytest.mark.parametrize("value", ["none", "None"])
def test_no_mark(value: str) -> None:
    """With `none` no folder is renamed."""
    assert configured_mark(Settings(nas_processed_mark=value)) is None


@pytest.mark.parametrize("value", ["<name>", "a/<name>", "<name>_<name>", "<Name>_x", "a/b"])
def test_pattern_that_marks_nothing(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pattern that does not change the name, or leads out of the root, is a wrong setting."""
    monkeypatch.setenv("DCM2SET_NAS_PROCESSED_MARK", value)
    with pytest.raises(SettingsError, match="DCM2SET_NAS_PROCESSED_MARK is wrong"):
        load_settings()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_polls_with_a_pattern(pattern: str) -> None:
    """With every pattern folders are marked once, late files join their folder, and names may come again."""
    polls = Polls(mark=pattern, recheck=5)
    for content in (b"1", b"2"):
        polls.nas.write("f", "a.dcm", content)
        polls.until_quiet()
    polls.nas.write(Mark(pattern).name("f"), "late.dcm", b"3")
    polls.until_quiet()
    assert ["nas/f/a.dcm", "nas/f/late.dcm", "nas/f~2/a.dcm"] == polls.store.keys(RAW)
    assert {Mark(pattern).name("f"), Mark(pattern).name("f") + "2"} == set(polls.nas.names())
    assert "no_updates" == polls.poll(after=1)["status"]


def test_folder_whose_name_leaves_no_room_for_the_mark() -> None:
    """A name of 255 bytes is shortened for the mark; late files still join their folder."""
    polls, name = Polls(), "ä" * 127 + "x"
    polls.nas.write(name, "a.dcm", b"1")
    polls.nas.write(name[:-1] + "y", "a.dcm", b"1")
    polls.until_quiet()
    first, second = polls.nas.names()
    assert 254 >= len(first.encode()) < len(second.encode()) <= 255
    assert first.endswith("_processed")
    polls.nas.write(first, "late.dcm", b"2")
    polls.until_quiet()
    folders = {key.split("/")[1] for key in polls.store.keys(RAW)}
    assert (3, 2) == (len(polls.store.keys(RAW)), len(folders))
