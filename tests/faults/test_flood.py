"""Many files at once in a small form; `make faults` drops 10,000."""

from tests.faults.flood import FUNCTIONS, run_flood
from tests.support.local_home import RunningHome

FILES = 200
LABEL_SECONDS = 60  # a few seconds on a machine that does nothing else
MOST_MEGABYTES = {
    "extract": 1200,
    "quality": 900,
    "minio": 1500,
}  # all processes of it together; of the others less
MOST_OF_OTHERS = 600


def test_a_flood_keeps_labels_and_verdicts_coming(start_home) -> None:
    """Label files are imported meanwhile, memory is bounded, and all of it comes through."""
    home: RunningHome = start_home(
        DCM2SET_PATIENCE_SECONDS="1", DCM2SET_SWEEP_SECONDS="2", DCM2SET_SWEEP_GRACE_SECONDS="2"
    )
    flood = run_flood(home, files=FILES, seconds=420)
    assert flood.label_seconds
    assert flood.worst_label_seconds < LABEL_SECONDS
    assert 0 == flood.labels_waiting
    for name in (*FUNCTIONS, "minio"):
        assert 0 < flood.most_megabytes[name] < MOST_MEGABYTES.get(name, MOST_OF_OTHERS)
    balance = home.wait_until_idle(seconds=120)["balance"]
    assert (FILES + 1, 0) == (balance["files_extracted"], balance["files_difference"])
    home.end()
