"""The complete line on each store without notifications."""

import subprocess
import sys
from pathlib import Path

import pytest

from common.store.object_key import ANNOTATIONS
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance, real_file

BOTH = pytest.mark.parametrize("name", ["versitygw_home", "silent_home"])


@pytest.mark.parametrize("store", ["versitygw", "minio"])
def test_the_demo_closes_without_notifications(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo's balance closes, with the same numbers on each store."""
    monkeypatch.setenv("DCM2SET_STORE_NOTIFICATIONS", "false")
    command = [sys.executable, "-m", "infra.cli", "demo", "--store", store, "--home", str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert "24 found = 3 skipped + 0 waiting + 3 held + 0 refused + 3 quarantined + 15 ext" in done.stdout
    assert "24 frames = 20 good + 2 review + 1 black + 1 low quality + 0 waiting" in done.stdout
    assert "Labels: 6 on images, 1 held" in done.stdout
    assert "The balance is closed, and nothing waits." in done.stdout


@BOTH
def test_uploads_and_labels_are_found_by_listing(name: str, request: pytest.FixtureRequest) -> None:
    """A file and a label file that others put are worked on, and moved when they are done."""
    home: RunningHome = request.getfixturevalue(name)
    home.put("incoming/a folder/CT ü+%.dcm", real_file("CT_small.dcm"))
    assert "extracted" == home.settled("extract", "incoming/a folder/CT ü+%.dcm")["outcome"]
    assert wait_for(lambda: home.rows("select from verdict"), seconds=30)
    home.put("labels.csv", b"image,label,value\n2.25.1/1.png,fracture,1\n", bucket=ANNOTATIONS)
    home.settled("annotations", "labels.csv")
    assert 0 == home.wait_until_idle()["balance"]["files_difference"]
    tops = home.store.list_top(ANNOTATIONS)
    assert (["processed/"], []) == (tops, list(home.store.list_prefix("raw", "incoming/")))


@BOTH
def test_the_home_says_what_starts_the_functions(name: str, request: pytest.FixtureRequest) -> None:
    """`status`, `doctor` and the output of `up` say that there are no notifications."""
    home: RunningHome = request.getfixturevalue(name)
    sentence = "The object store sends no notifications: sweep starts the functions"
    assert sentence in home.run_cli("status").stdout
    assert sentence in (home.folder.parent / "up.log").read_text()
    doctor = home.run_cli("doctor")
    assert (0, True) == (doctor.returncode, sentence in doctor.stdout), doctor.stdout


@BOTH
def test_a_token_is_rotated(name: str, request: pytest.FixtureRequest) -> None:
    """The functions get a new token without a restart of the store, and files are processed."""
    home: RunningHome = request.getfixturevalue(name)
    done = home.run_cli("rotate-token", "--overlap", "0")
    assert (0, "") == (done.returncode, done.stderr)
    assert "MinIO" not in done.stdout
    home.put("incoming/after the rotation.dcm", make_instance(1))
    assert "extracted" == home.settled("extract", "incoming/after the rotation.dcm")["outcome"]


def test_minio_has_no_rules_of_ours(silent_home: RunningHome) -> None:
    """Without notifications no bucket has a rule, also not those that extract creates."""
    home = silent_home
    for bucket in home.store.client.list_buckets():
        assert not home.store.client.get_bucket_notification(bucket.name).queue_config_list
