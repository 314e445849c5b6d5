"""No part of a file stays on the machine outside the database and the object store."""

from tests.support.local_home import RunningHome


def test_no_original_stays_in_a_temporary_folder(home: RunningHome) -> None:
    """The temporary folder of the functions is the home's own, and private."""
    home.wait_until_idle()
    scratch = home.folder / "tmp"
    assert 0o700 == scratch.stat().st_mode & 0o777
    assert str(scratch) == home.function_environment("extract")["TMPDIR"]


def test_the_timer_of_review_removes_what_a_killed_process_left(home: RunningHome) -> None:
    """An original does not wait there until somebody opens a picture."""
    left = home.folder / "tmp" / "dcm2set-work-left"
    left.mkdir(mode=0o700)
    (left / "source.dcm").write_bytes(b"left by a killed worker")
    assert 200 == home.post("review").status
    assert not left.exists()
