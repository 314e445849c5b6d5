"""Label tables in long form, and files that are not label files."""

from itertools import chain, repeat

import pytest

from common.errors import PermanentError
from functions.annotations.formats.tables.quoted_rows import quoted_rows
from functions.annotations.formats.vocabulary import Vocabulary
from tests.support.label_files import IMAGE, UID, label_values, read

EXPECTED = [(2, "fracture", 1.0)]


@pytest.mark.parametrize(
    "text",
    [
        f"image,label,value\n{UID}/1.png,fracture,1\n",
        f"image;label;value\n{UID}/1.png;fracture;1",
        f"image|label|value\n{UID}/1.png|fracture|1",
        f"image\tlabel\tvalue\r\n{UID}/1.png\tfracture\t1\r\n",
        f"image,label,value\r{UID}/1.png,fracture,1\r",
        f"\ufeffimage,label,value\n{UID}/1.png,fracture,1\n",
        f"Image, LABEL ,value\n {UID}/1.png , fracture , 1.0 \n",
        f"reader,value,label,image,note\nA,1,fracture,{UID}/1.png,fine\n",
        f'image,label,value\n"{UID}/1.png","fracture","1"\n',
        f"image,label,value,,\n{UID}/1.png,fracture,1,,\n",
        f"image,label,value\n{UID}/1.png,fracture,1,,\n",
        f"image;label;value\n{UID}/1.png;fracture;1,0\n",
        f"image,frame,label,value\n{UID},1,fracture,1\n",
        f"sop_instance_uid,frame,label,value\n{UID},1,fracture,1\n",
    ],
)
def test_spellings_of_one_label(text: str) -> None:
    """Any separator, line end, byte order mark, case, quotation, blank or ignored column is accepted."""
    assert EXPECTED == label_values(text)
    ((row,), _) = read(text)[1:]
    assert (UID, 1) == (row.image.uid, row.image.frame)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"]
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_encodings_of_spreadsheets(encoding: str, size: int) -> None:
    """UTF-8, UTF-16 with or without a mark, and Latin-1 give the same text, in chunks of any size."""
    text = f"image,label,value\n{IMAGE},Ödem (groß),1\n"
    _, rows, refused = read(text.encode(encoding), Vocabulary(frozenset({"Ödem (groß)"})), size=size)
    assert ([], "Ödem (groß)") == (refused, rows[0].label)


def test_first_line_of_excel() -> None:
    """`sep=;` names the separator, and counts as a line."""
    assert [(3, "fracture", 0.5)] == label_values(f"sep=;\nimage;label;value\n{IMAGE};fracture;0,5\n")


@pytest.mark.parametrize("label", ["mass, left, lower lobe", "a|b|c|d", "a;b;c"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_in_the_names_of_columns(label: str, separator: str) -> None:
    """The separator is the one that gives an image column, even if names contain others more often."""
    text = f'"image"{separator}"{label}"\n{IMAGE}{separator}"0,5"\n'
    assert [(2, label, 0.5)] == label_values(text, Vocabulary(columns=frozenset({label})))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0", 0.0),
        ("1", 1.0),
        ("-1", -1.0),
        ("0.25", 0.25),
        ("1e-3", 0.001),
        (" .5 ", 0.5),
        ("0,75", 0.75),
        ("1e-99", 0),
    ],
)
def test_values_from_minus_one_to_one(cell: str, value: float) -> None:
    """Absent, present, uncertain, or a probability, with a decimal point or comma."""
    assert [(2, "b", value)] == label_values(f'image,label,value\n{IMAGE},b,"{cell}"\n')


@pytest.mark.parametrize(
    "value",
    ["", "maybe", "2", "-1.01", "-0.5", "nan", "inf", "-inf", "1,5", "0x1", "0_1", "\u0661", "1" * 400],
)
def test_other_values_refuse_their_row(value: str) -> None:
    """A row with another value is refused with its line; the other rows are accepted."""
    _, rows, refused = read(f'image,label,value\n{IMAGE},b,"{value}"\n{IMAGE},d,1\n')
    assert [(3, "d")] == [(row.line, row.label) for row in rows]
    assert [2] == [row.line for row in refused]


@pytest.mark.parametrize(
    "row",
    [
        *("a", IMAGE, f"{IMAGE},b", ",b,1", f"{IMAGE},,1", f"{'x' * 2049},b,1", f"{IMAGE},{'x' * 501},1"),
        *(f"{IMAGE},b,1,7", f"{IMAGE},b\x85c,1", f"../{IMAGE},b,1", f"a/../{IMAGE},b,1", "cxr.png,b,1"),
    ],
)
def test_rows_that_are_not_labels_are_refused(row: str) -> None:
    """A row is refused if it is too short or long, has no image or label, or a name that fits no image."""
    _, rows, refused = read(f"image,label,value\n{row}\n")
    assert ([], 1) == (rows, len(refused))


def test_empty_lines_are_not_rows() -> None:
    """Lines with only separators and spaces are skipped; line numbers are those of the file."""
    assert [(6, "b", 1.0)] == label_values(f"\nimage,label,value\n\n,,\n  \n{IMAGE},b,1\n\n")


def test_annotator_and_time() -> None:
    """Annotator and time, in UTC; a time without a zone is UTC, a blank one is that of the import."""
    rows = [
        f"{IMAGE},a,1,Dr. A,2026-11-01T12:00:00+02:00",
        f"{IMAGE},b,1,,2026-11-01 10:00",
        f"{IMAGE},c,1,,",
    ]
    _, rows, refused = read("\n".join(["image,label,value,annotator,time", *rows]))
    assert [] == refused
    assert ["Dr. A", "", ""] == [row.annotator for row in rows]
    assert rows[0].labelled_at == rows[1].labelled_at
    assert rows[2].labelled_at is None


@pytest.mark.parametrize("time", ["yesterday", "11/23/2026", "2999-01-01", "0001-01-01T00:00:00+23:59"])
def test_other_times_refuse_their_row(time: str) -> None:
    """A row with an invalid time or one in the future is refused."""
    _, rows, refused = read(f"image,label,value,time\n{IMAGE},a,1,{time}\n")
    assert (0, 1) == (len(rows), len(refused))


def test_formulas_and_sql_are_text() -> None:
    """Formulas and SQL in label names are stored as plain text."""
    names = ["=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "'; drop table label; --", "%s {} \\N"]
    text = "image,label,value\n" + "".join(f'{IMAGE},"{name}",1\n' for name in names)
    vocabulary = Vocabulary(frozenset(names))
    assert names == [label for _, label, _ in label_values(text, vocabulary)]


def test_names_with_commas_quotes_and_letters() -> None:
    """Quoted fields may have commas and quotation marks; a row with a line break in a label is refused."""
    vocabulary = Vocabulary(frozenset({'a,"b" Größe'}))
    text = f'image,label,value\n{IMAGE},"a,""b"" Größe",1\n'
    assert [(2, 'a,"b" Größe', 1.0)] == label_values(text, vocabulary)
    _, rows, refused = read(f'image,label,value\n{IMAGE},"a\nb",1\n{IMAGE},c,1\n')
    assert ([4], [3]) == ([row.line for row in rows], [row.line for row in refused])


def test_header_alone_is_an_empty_file() -> None:
    """A file with only a header has no labels, and is accepted."""
    assert [] == label_values("image,label,value\n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"a,b,c\n1,2,3\n",
        b"image,label,surprise\na,b,70\n",
        b"image,value\na,1\n",
        b"image\na\n",
        b"image,label,value,surprise\na,b,1,2\n",
        b"image,image,label,value\na,a,b,1\n",
        b"\xff\xfei\x00m\x00",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        bytes(range(256)) * 50,
        "image,label,value\nä,b,1\n".encode() + b"\xe4,b,1\n",
        b"image,label,value\na\x00,b,1\n",
        b"image,label,value\na\x07,b,1\n",
        b'"image,label,value\n',
        b'sep="\nimage,label,value\n',
        b"sep=\r\nimage,label,value\n",
        b"image," + b",".join(b"c%d" % number for number in range(3000)) + b"\n",
        b"x" * 3_000_000,
    ],
)
def test_anything_but_a_label_file_is_refused(body: bytes) -> None:
    """A file with missing or unknown columns, or that is not text, raises PermanentError."""
    with pytest.raises(PermanentError) as caught:
        read(body)
    assert caught.value.next_step


def test_unclosed_quotation_mark_refuses_only_its_part_of_the_file() -> None:
    """The text after an unclosed quotation mark is refused as one row; later rows are accepted."""
    labels = [f"c{number}" for number in range(20_000)]
    filler = "".join(f"{IMAGE},{label},1\n" for label in labels)
    vocabulary = Vocabulary(frozenset({"a", "b", *labels}))
    _, rows, refused = read(f'image,label,value\n{IMAGE},a,1\n"{IMAGE},b,1\n{filler}', vocabulary)
    assert "a" == rows[0].label
    assert "c19999" == rows[-1].label
    assert 1 == len(refused)


def test_too_long_line_is_refused_alone() -> None:
    """A line over the limit is refused with its number, and the lines around it are accepted."""
    long = "x" * 5_000_000
    _, rows, refused = read(f"image,label,value\n{IMAGE},a,1\n{long}\n{IMAGE},b,1\n{long}", size=100_000)
    assert [(2, "a"), (4, "b")] == [(row.line, row.label) for row in rows]
    assert [3, 5] == [row.line for row in refused]


def test_row_over_too_many_lines_is_refused() -> None:
    """A row over many lines is refused at the length limit of a line; later rows are accepted."""
    line, fields = next(quoted_rows(chain(['"ab\n'], repeat('","ab\n')), ","))
    assert fields is None
    assert line < 200_000
    body = f"image,label,value\n{IMAGE},a,1\n" + '"ab\n",' * 200_000 + f'"\n{IMAGE},b,1\n'
    _, rows, refused = read(body, size=100_000)
    assert [(2, "a"), (200_004, "b")] == [(row.line, row.label) for row in rows]
    assert "A quotation mark is not closed, or the row is too long." == refused[0].cause


def test_causes_quote_no_value() -> None:
    """The cause of a refused row or file quotes no value, because it may name a patient."""
    _, _, refused = read("image,label,value\nMarker,Marker,Marker\nMarker\n")
    assert 2 == len(refused)
    assert "marker" not in str(refused).lower()
    for header in ("marker,b", "image,label,value,marker"):
        with pytest.raises(PermanentError) as caught:
            read(f"{header}\n")
        assert "marker" not in str(caught.value)


def test_at_most_a_thousand_refused_rows_are_listed() -> None:
    """All refused rows are counted, and the first thousand are listed."""
    file, _, refused = read("image,label,value\n" + f"{IMAGE},a,\n" * 5000)
    assert (5000, 1000) == (file.refused.number, len(refused))
