"""A short campaign of faults; `make faults` runs the long ones."""

from tests.faults.campaign import IMAGES_PER_BUCKET, run_campaign
from tests.faults.input_files import Kind, make_inputs
from tests.faults.schedule import FAMILIES, make_schedule

SHORT = ("kill a worker", "kill all processes", "kill a server", "hang", "truncate", "notifications")


def test_a_schedule_is_the_seed_s_own() -> None:
    """The same seed gives the same faults, another seed others, and all families come before one returns."""
    number = len(FAMILIES)
    assert make_schedule(7, number) == make_schedule(7, number)
    assert make_schedule(7, number) != make_schedule(8, number)
    assert set(FAMILIES) == {fault.family for fault in make_schedule(7, number)}


def test_inputs_are_the_seed_s_own() -> None:
    """The same seed gives the same bytes; every kind is there, and no two of one name."""
    inputs = make_inputs(3, 120)
    assert inputs == make_inputs(3, 120)
    assert set(Kind) == {each.kind for each in inputs}
    assert 120 == len({each.place for each in inputs})


def test_a_short_campaign() -> None:
    """Under faults nothing is lost, doubled, wrong, over full or leaked, and all settles in time."""
    families = (*SHORT, "fill the disk", "move the clock")
    report = run_campaign(11, files=120, faults=8, families=families)
    assert report.holds, report.told or report
    assert 0 < report.most_in_a_bucket <= IMAGES_PER_BUCKET
    assert report.checkpoints >= 2
