"""Label files."""

import pytest

from common.errors import PermanentError
from functions.annotations.label_file import LabelRow, parse_label_file
from functions.annotations.label_rows import key_suffix


def _rows(text: str) -> list[tuple[int, str, str, float]]:
    rows, refused = parse_label_file(text.encode())
    assert [] == refused
    return [(row.line, row.image, row.label, row.value) for row in rows]


EXPECTED = [(2, "a/1.png", "fracture", 1.0)]


@pytest.mark.parametrize(
    "text",
    [
        "image,label,value\na/1.png,fracture,1\n",
        "image;label;value\na/1.png;fracture;1",
        "image\tlabel\tvalue\r\na/1.png\tfracture\t1\r\n",
        "\ufeffimage,label,value\na/1.png,fracture,1\n",
        "Image, LABEL ,value\n a/1.png , fracture , 1.0 \n",
        "reader,value,label,image,note\nA,1,fracture,a/1.png,fine\n",
        'image,label,value\n"a/1.png","fracture","1"\n',
    ],
)
def test_spellings_of_one_label(text: str) -> None:
    """Comma, semicolon or tab, byte order mark, case, quotes and other columns are understood."""
    assert EXPECTED == _rows(text)


@pytest.mark.parametrize("value", ["0", "1", "-1", "0.25", "1e-3", " .5 "])
def test_values_from_minus_one_to_one(value: str) -> None:
    """Absent, present, uncertain, or a probability."""
    assert float(value) == _rows(f"image,label,value\na,b,{value}\n")[0][3]


@pytest.mark.parametrize("value", ["", "yes", "2", "-1.01", "nan", "inf", "-inf", "1,5", "0x1"])
def test_other_values_refuse_their_row(value: str) -> None:
    """A row with another value is refused with its line; the others are taken."""
    rows, refused = parse_label_file(f'image,label,value\na,b,"{value}"\nc,d,1\n'.encode())
    assert [LabelRow(3, "c", "d", 1.0)] == rows
    assert [2] == [row.line for row in refused]


@pytest.mark.parametrize("row", ["a", "a,b", ",b,1", "a,,1", f"{'x' * 2049},b,1", f"a,{'x' * 2049},1"])
def test_rows_without_image_or_label_are_refused(row: str) -> None:
    """A row that is too short, empty or far too long is refused."""
    rows, refused = parse_label_file(f"image,label,value\n{row}\n".encode())
    assert ([], 1) == (rows, len(refused))


def test_empty_lines_are_no_rows() -> None:
    """Lines of nothing but separators and spaces are left out; line numbers are those of the file."""
    assert [(5, "a", "b", 1.0)] == _rows("image,label,value\n\n,,\n  \na,b,1\n\n")


def test_names_with_commas_quotes_and_letters() -> None:
    """Quoted fields hold commas, quotes and line breaks."""
    assert [(2, 'a,"b"', "Größe", 1.0)] == _rows('image,label,value\n"a,""b""",Größe,1\n')


def test_header_alone_is_an_empty_file() -> None:
    """A file with nothing but its header has no labels, and is no failure."""
    assert [] == _rows("image,label,value\n")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"a,b,c\n1,2,3\n",
        b"image,label\na,b\n",
        b"\xff\xfei\x00m\x00",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        "image,label,value\nä,b,1\n".encode("latin-1"),
        b"image,label,value\na\x00,b,1\n",
        b'image,label,value\n"' + b"x" * 200_000,
    ],
)
def test_what_is_no_label_file_is_refused_whole(body: bytes) -> None:
    """A file without the columns, or that is no text, is a permanent failure with a next step."""
    with pytest.raises(PermanentError) as caught:
        parse_label_file(body)
    assert caught.value.next_step


def test_causes_quote_no_value() -> None:
    """Neither a refused row's nor a refused file's cause quotes it: it may name a patient."""
    _, refused = parse_label_file(b"image,label,value\nMarker,Marker,Marker\nMarker\n")
    assert "marker" not in str([row.cause for row in refused]).lower()
    with pytest.raises(PermanentError) as caught:
        parse_label_file(b"marker,b\n")
    assert "marker" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s3://images-1/P/1.png", "P/1.png"),
        ("P/1.png", "P/1.png"),
        (" /P/1.png ", "P/1.png"),
        ("1.png", "1.png"),
        ("s3://images-1", ""),
    ],
)
def test_key_suffix(name: str, expected: str) -> None:
    """A name stands for a key or the end of one."""
    assert expected == key_suffix(name)
