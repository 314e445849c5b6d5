"""A trace by the path of a file on the NAS."""

from typing import Any

import pytest

from common.database import Database
from common.errors import PermanentError
from infra.provision.snapshot import read_snapshot
from oversight.trace.trace import trace


def _trace(url: str, name: str, **options: Any) -> dict[str, Any]:
    with read_snapshot(url) as connection:
        return trace(connection, name, **options)


@pytest.fixture
def nas(database: Database) -> None:
    """Folder 1 is marked and has files 1, 2 and 3, two of one path; 4 is in the root, 5 in a later folder."""
    database.run(
        "insert into source_folder (name, generation, mark) values ('Doe', 1, 'Doe_processed'), "
        "('', 1, null), ('Doe', 2, null)"
    )
    for folder, path, version in (
        (1, "im/1.dcm", 1),
        (1, "2.1", 1),
        (1, "im/1.dcm", 2),
        (2, "1.2.3", 1),
        (3, "b", 1),
    ):
        database.run(
            "with file as (insert into source_file (folder_id, path, version, size, modified_at, state, "
            "raw_key) values (%(folder)s, %(path)s, %(version)s, 1, now(), 'copied', %(key)s) "
            "returning raw_key) insert into ledger_item (function, bucket, key, etag, state, outcome) "
            "select 'extract', 'raw', raw_key, 'e', 'done', 'skipped' from file",
            folder=folder,
            path=path,
            version=version,
            key=f"nas/{folder}/{path}~{version}",
        )


@pytest.mark.usefixtures("nas")
@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("Doe/im/1.dcm", {1, 3}),
        ("Doe_processed/im/1.dcm", {1, 3}),
        ("/mnt/nas/dicom/Doe_processed/im/1.dcm", {1, 3}),
        ("./Doe/2.1", {2}),
        ("1.2.3", {4}),
        ("Doe/b", {5}),
    ],
)
def test_a_file_is_found_by_its_path(database_url: str, path: str, files: set[int]) -> None:
    """With the folder's name from before or after the mark, below any mount point; also like a UID."""
    found = _trace(database_url, path)
    assert files == {row["id"] for row in found["files"]}
    assert files == {row["id"] for row in found["items"]}


@pytest.mark.usefixtures("nas")
@pytest.mark.parametrize("path", ["Doe/im/2.dcm", "im/1.dcm", "Doe_other/im/1.dcm", "1.dcm"])
def test_an_unknown_path_is_not_repeated(database_url: str, path: str) -> None:
    """No other file is shown, and a path with a name in it is not in the error."""
    with pytest.raises(PermanentError) as error:
        _trace(database_url, path)
    assert "Doe" not in str(error.value)


def test_the_uid_of_an_original_is_found_by_its_pseudonym(database: Database, database_url: str) -> None:
    """What is not known as it stands is looked for under each key; a known one is never replaced."""
    for number, uid in enumerate(("2.25.7", "2.25.8"), start=1):
        database.run(
            "insert into ledger_item (function, bucket, key, etag, state, outcome, sop_instance_uid) "
            "values ('extract', 'raw', %(key)s, 'e', 'done', 'duplicate', %(uid)s)",
            key=f"incoming/{number}",
            uid=uid,
        )

    def pseudonyms(uid: str) -> list[str]:
        return [f"2.25.{uid[-1]}9", f"2.25.{uid[-1]}"]  # of two keys

    for name, item in (("1.2.840.7", 1), ("1.2.840.8/1", 2), ("2.25.8", 2)):
        assert [item] == [each["id"] for each in _trace(database_url, name, pseudonyms=pseudonyms)["items"]]
    with pytest.raises(PermanentError, match="Nothing is known"):
        _trace(database_url, "1.2.840.6", pseudonyms=pseudonyms)
