"""A small flood of 200 files; `make faults` puts 10,000."""

from tests.faults.flood import FUNCTIONS, LABEL_SECONDS, run_flood
from tests.support.local_home import RunningHome

FILES = 200
MOST_MEGABYTES = {
    "extract": 1200,
    "quality": 900,
    "minio": 1500,
}  # of all processes of the program together
MOST_OF_OTHERS = 600


def test_a_flood_keeps_labels_and_verdicts_coming(start_home) -> None:
    """During a flood label files are imported, memory is bounded, and all files are extracted."""
    home: RunningHome = start_home(DCM2SET_SWEEP_SECONDS="2")
    flood = run_flood(home, files=FILES, seconds=420)
    assert flood.label_seconds
    assert flood.worst_label_seconds < LABEL_SECONDS
    assert 0 == flood.labels_waiting
    for name in (*FUNCTIONS, "minio"):
        assert 0 < flood.most_megabytes[name] < MOST_MEGABYTES.get(name, MOST_OF_OTHERS)
    balance = home.wait_until_idle(seconds=120)["balance"]
    assert (FILES + 1, 0) == (balance["files_extracted"], balance["files_difference"])
    home.end()
