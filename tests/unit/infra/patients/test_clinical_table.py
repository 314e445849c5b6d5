"""Clinical data: pseudonyms instead of patient ids, shifted dates, and errors without a value."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from common.errors import PermanentError
from infra.cli import cli
from infra.patients.clinical_table import Columns, pseudonymous_table
from infra.patients.private_file import write_private

SECRET = "Mustermann"


def table(
    body: str | bytes, *dates: str, column: str = "ID", keeps_id: bool = False
) -> tuple[str, list[str]]:
    """The table with pseudonyms P<id>, and dates shifted by as many days as the pseudonym has letters."""
    data = body if isinstance(body, bytes) else body.encode()
    found, others = pseudonymous_table(
        data,
        Columns(column, dates, keeps_id),
        lambda patient_id: f"P{patient_id.strip()}",
        lambda day, patient: day - timedelta(days=len(patient)),
    )
    return found.decode(), others


def test_patient_ids_become_pseudonyms() -> None:
    """The column of ids is replaced in its place, or stays with the pseudonym after it."""
    body = 'age,ID,note\n5,7,"a,\nb"\n6,,\n'
    assert ('age,patient_id,note\n5,P7,"a,\nb"\n6,,\n', []) == table(body)
    assert 'age,ID,patient_id,note\n5,7,P7,"a,\nb"\n6,,,\n' == table(body, keeps_id=True)[0]


def test_dates_are_shifted_in_their_own_form() -> None:
    """ISO and DICOM dates keep their form, empty cells stay empty, and other columns are unchanged."""
    body = "ID,a,b\n12,2020-03-01,20200301\n1,,2020-01-01\n"
    assert "patient_id,a,b\nP12,2020-02-27,20200227\nP1,,2019-12-30\n" == table(body, "a", "b")[0]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_tables_of_spreadsheets_are_read(separator: str, encoding: str) -> None:
    """Every separator and encoding of spreadsheets is read; a mark and line ends of Windows stay."""
    body = f"ID{separator}Größe\r\n7{separator}1,5\r\n".replace("1,5", "1.5").encode(encoding)
    mark = "\ufeff" if encoding in {"utf-8-sig", "utf-16"} else ""
    assert f"{mark}patient_id{separator}Größe\r\nP7{separator}1.5\r\n" == table(body)[0]


def test_a_stated_separator_is_read() -> None:
    """A first line sep=; is read, and lines are counted with it."""
    assert "patient_id;x,y,z\nP1;2\n" == table("sep=;\nID;x,y,z\n1;2\n")[0]
    with pytest.raises(PermanentError, match="Line 3 "):
        table("sep=;\nID;x\n1;2;3\n")


@pytest.mark.parametrize(
    ("body", "dates", "cause"),
    [
        ("", (), "is empty"),
        ("\n\n", (), "is empty"),
        ("a,b\n1,2\n", (), "no column with the name 'ID'"),
        ("ID,ID\n1,2\n", (), "several columns with the name 'ID'"),
        (f"ID,a\n1,2\n{SECRET},2,3\n", (), "Line 3 has 3 cell.* 2 columns"),
        (f"ID,a\n1,2020-01-01\n{SECRET},{SECRET}\n", ("a",), "Line 3, column 'a': expected a date"),
        ("ID,a\n1,31.12.2020\n", ("a",), "Line 2, column 'a'"),
        ("ID,a\n1,2020-02-30\n", ("a",), "Line 2, column 'a'"),
        ("ID,a\n1,2020-1231\n", ("a",), "Line 2, column 'a'"),
        ("ID,a\n1,1799-12-31\n", ("a",), "Line 2, column 'a'"),
        ("ID,a\n1,٢٠٢٠٠١٠١\n", ("a",), "Line 2, column 'a'"),
        ('ID,a\n"x\ny",\n\n3,x\n', ("a",), "Line 5, column 'a'"),
        ("ID,a\n,2020-01-01\n", ("a",), "Line 2, column 'a': a date without a patient id"),
        ("ID,a\n1,2\n", ("b",), "no column with the name 'b'"),
        ("ID,a\n1,2\n", ("ID",), "can't be a column of dates"),
        ("ID,patient_id\n1,2\n", (), "already has a column patient_id"),
        (f'ID,a\n1,2\n"{SECRET}" x,3\n', (), "Line 3 is no line of a table"),
        (b"\xff\xfeI", (), "first bytes announce"),
        (b"ID,a\n\x81,2\n", (), "neither UTF-8 nor Windows-1252"),
    ],
)
def test_wrong_tables_are_refused_without_a_value(body: str, dates: tuple[str, ...], cause: str) -> None:
    """The error names line and column, and no value of the table."""
    with pytest.raises(PermanentError, match=cause) as found:
        table(body, *dates)
    assert SECRET not in str(found.value)


def test_dates_that_stay_are_named() -> None:
    """Columns that look like dates and are not shifted are named, whatever their form; others are not."""
    body = "ID,a,b,c,d,e,f\n1,2020-01-01,31.12.2020,5,2020-01-01 10:00,20200101,\n2,2020-01-01,1/2/20,x,,,\n"
    assert ["b", "d", "e"] == table(body, "a")[1]


def test_the_result_is_for_its_owner_only(tmp_path: Path) -> None:
    """The file has mode 0600 also if one of that name did not; a failure leaves nothing behind."""
    path = tmp_path / "out.csv"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert (b"new", 0o600) == (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    assert [path] == list(tmp_path.iterdir())
    with pytest.raises(PermanentError, match="Can't write the file of --out"):
        write_private(tmp_path / "none" / "out.csv", b"new")


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["--with-id"], "need --column"),
        (["--shift-dates", "Day"], "need --column"),
        (["--column", "ID"], "--column and --out need each other"),
        (["--out", "x.csv"], "--column and --out need each other"),
    ],
)
def test_options_of_a_table_need_one_another(words: list[str], cause: str) -> None:
    """Options that can't stand alone are refused before anything is read."""
    done = CliRunner().invoke(cli, ["pseudonym", *words])
    assert 2 == done.exit_code
    assert cause in done.stderr
