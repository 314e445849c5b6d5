"""Clinical data is joined with the images of a running home by pseudonym and shifted date."""

import csv
import io
import stat
from datetime import date, timedelta
from pathlib import Path

import pydicom

from tests.support.image_rows import image_rows
from tests.support.local_home import RunningHome
from tests.support.real_files import make_instance


def test_clinical_data_is_joined_with_the_images(home: RunningHome, tmp_path: Path) -> None:
    """Pseudonym and dates of a table are those of the patient's images; a wrong line writes nothing."""
    key = "incoming/clinical/1.dcm"
    original = make_instance(1, patient=961)
    taken = date.fromisoformat(pydicom.dcmread(io.BytesIO(original)).StudyDate)
    home.put(key, original)
    (row,) = image_rows(home, home.settled("extract", key)["sop_instance_uid"], 1)
    out = tmp_path / "clinical.csv"
    words = ("pseudonym", "--column", "Patient ID", "--out", str(out), "--shift-dates", "Taken")
    body = "\ufeffHb;Patient ID;Taken;Born\r\n13,2;test-961;{day};1950-01-01\r\n"
    done = home.run_cli(*words, stdin=body.format(day=taken.isoformat()))
    assert (0, "") == (done.returncode, done.stdout)
    assert "not shifted: Born." in done.stderr
    assert 0o600 == stat.S_IMODE(out.stat().st_mode)
    (found,) = csv.DictReader(out.read_text(encoding="utf-8-sig").splitlines(), delimiter=";")
    expected = {"Hb": "13,2", "patient_id": row["patient_id"], "Taken": row["study_date"].isoformat()}
    assert expected | {"Born": "1950-01-01"} == found
    out.unlink()
    day = (taken + timedelta(days=1)).strftime("%d.%m.%Y")
    refused = home.run_cli(*words, "--with-id", stdin=body.format(day=day))
    assert 2 == refused.returncode
    assert "Line 2, column 'Taken'" in refused.stderr
    assert not {"961", day} & set(refused.stderr.split())
    assert not out.exists()
