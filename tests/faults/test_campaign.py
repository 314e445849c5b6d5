"""A short campaign of faults; `make faults` runs the long ones."""

from tests.faults.campaign import IMAGES_PER_BUCKET, run_campaign
from tests.faults.input_files import Kind, make_inputs
from tests.faults.schedule import FAMILIES, make_schedule

SHORT = ("kill a worker", "kill all processes", "kill a server", "hang", "truncate", "notifications")


def test_the_seed_decides_the_schedule() -> None:
    """The same seed gives the same faults, another seed gives others, and no family is repeated too early."""
    number = len(FAMILIES)
    assert make_schedule(7, number) == make_schedule(7, number)
    assert make_schedule(7, number) != make_schedule(8, number)
    assert set(FAMILIES) == {fault.family for fault in make_schedule(7, number)}


def test_the_seed_decides_the_files() -> None:
    """The same seed gives the same bytes; every kind is there, and no two files have one key."""
    inputs = make_inputs(3, 120)
    assert inputs == make_inputs(3, 120)
    assert set(Kind) == {each.kind for each in inputs}
    assert 120 == len({each.relative_key for each in inputs})


def test_a_short_campaign() -> None:
    """Under faults nothing is lost, doubled, wrong, overfull or leaked, and everything settles in time."""
    families = (*SHORT, "fill the disk", "move the clock")
    report = run_campaign(11, files=120, faults=8, families=families)
    assert report.is_good, report.details or report
    assert 0 < report.most_in_a_bucket <= IMAGES_PER_BUCKET
    assert report.checkpoints >= 2
