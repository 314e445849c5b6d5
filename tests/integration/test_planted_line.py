"""Planted markers go through the real pipeline and must only be found in raw."""

from collections.abc import Iterable

import pytest

from common.store.object_key import QUARANTINE, RAW
from tests.support.factories import to_bytes
from tests.support.local_home import RunningHome
from tests.support.planted import Planter, markers_left, other_text_tags, planted_dataset, table_tags

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom", "ignore::RuntimeWarning")

OPERATOR_TABLES = {"source_file", "source_folder"}


def _put(home: RunningHome, planter: Planter, tags: Iterable[int], outcome: str) -> dict:
    """Put a planted file, to be extracted, held or quarantined, at a planted path; return its ledger row."""
    ds = planted_dataset(planter, tags)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(ds, keyword, f"2.25.{int(planter.marker(keyword)[2:-1])}{len(planter.planted)}")
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    if outcome == "held":
        ds.Modality = "XC"
    else:  # what any other value of these holds
        ds.BurnedInAnnotation = ds.RecognizableVisualFeatures = ds.SpecimenLabelInImage = "NO"
        ds.ImageType = ["ORIGINAL", "PRIMARY"]
    body = to_bytes(ds) + planter.marker("behind the last element").encode()
    key = f"incoming/{planter.marker('folder')}/{planter.marker('file name')}.dcm"
    home.put(key, body[: len(body) // 3] if outcome == "quarantined" else body)
    return home.settled("extract", key)


def _outside_raw(home: RunningHome) -> dict[str, bytes]:
    """Return keys and bodies of all buckets except raw's originals, and all rows except the operator's."""
    contents = {}
    for bucket in home.store.client.list_buckets():
        for listed in home.store.list_prefix(bucket.name, ""):
            key = listed.version.location.key
            if bucket.name != RAW and not (bucket.name == QUARANTINE and key.startswith(f"{RAW}/")):
                contents[f"{bucket.name}/{key}"] = key.encode() + home.store.read(listed.version)
    tables = {
        row["tablename"] for row in home.rows("select tablename from pg_tables where schemaname = 'public'")
    }
    for name in tables - OPERATOR_TABLES:
        # A key in raw is a path of the NAS. Only extract and the operator may read it in the ledger.
        hidden = " - 'key' - 'moved_to_key'" if name == "ledger_item" else ""
        rows = home.rows(f"select (to_jsonb(t){hidden})::text as text from {name} t")
        contents[name] = "\n".join(row["text"] for row in rows).encode()
    return contents


def test_no_planted_marker_is_anywhere_but_in_raw(home: RunningHome) -> None:
    """Objects, keys, tables, logs, answers and command output have no marker for any outcome of a file."""
    planter, answers = Planter(), []
    cases = (
        (list(table_tags()), "extracted"),
        (list(other_text_tags()), "extracted"),
        (list(table_tags()), "held"),
        (list(other_text_tags()), "quarantined"),
    )
    for tags, outcome in cases:
        item = _put(home, planter, tags, outcome)
        assert outcome == (item["outcome"] or item["state"]), item["cause"]
        event = {"bucket": RAW, "key": item["key"], "etag": item["etag"], "size": 1}
        answers.append(home.post("extract", event).data)
    home.wait_until_idle()
    assert len(planter.planted) > 16_000
    for where, body in _outside_raw(home).items():
        assert [] == markers_left(planter, where.encode() + body), where
    logs = [path for path in (home.folder / "log").iterdir() if path.name != "up.log"]
    assert logs
    for path in logs:
        assert [] == markers_left(planter, path.read_bytes()), path.name
    answers += [home.run_cli(command).stdout.encode() for command in ("status", "report", "doctor")]
    assert [] == markers_left(planter, b"".join(answers))
