"""No part of a file stays on the machine outside the database and the object store."""

from tests.support.local_home import RunningHome


def test_no_original_stays_in_a_temporary_folder(home: RunningHome) -> None:
    """The temporary folder of the functions is the home's own, and private."""
    home.wait_until_idle()
    scratch = home.folder / "tmp"
    assert 0o700 == scratch.stat().st_mode & 0o777
    assert str(scratch) == home.function_environment("extract")["TMPDIR"]
