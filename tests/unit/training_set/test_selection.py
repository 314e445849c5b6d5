"""Selections: allowed conditions, refused ones, and bound values."""

import re

import pytest

from common.errors import PermanentError
from training_set.selection.selection import full_selection, parse_selection

LABELS = {"Effusion": 3, "it's": 4}


def condition(where: str) -> tuple[str, list[object]]:
    parsed = parse_selection(where, LABELS)
    return parsed.text.as_string(None), list(parsed.values.values())


@pytest.mark.parametrize(
    ("where", "text", "values"),
    [
        ("modality = 'DX'", 'i."modality" = %(w0)s', ["DX"]),
        ("'DX' = modality", '%(w0)s = i."modality"', ["DX"]),
        ("rows > columns", 'i."rows" > i."columns"', []),
        ("not is_localizer", 'not (i."is_localizer")', []),
        ("sex is not null", 'not (i."sex" is null)', []),
        ("not sex is null", 'not (i."sex" is null)', []),
        ("sex is null", 'i."sex" is null', []),
        ("is_localizer is not true", 'not (i."is_localizer" is true)', []),
        ("frame not in (1, 2)", 'not (i."frame" in (%(w0)s, %(w1)s))', [1.0, 2.0]),
        ("frame not between 1 and 3", 'not (i."frame" between %(w0)s and %(w1)s)', [1.0, 3.0]),
        ("frame between 1 and 3", 'i."frame" between %(w0)s and %(w1)s', [1.0, 3.0]),
        ("body_part not like '%X'", 'not (i."body_part" like %(w0)s)', ["%X"]),
        ("true", "true", []),
    ],
)
def test_an_allowed_condition_is_rebuilt(where: str, text: str, values: list[object]) -> None:
    """Columns become quoted identifiers, and values become placeholders."""
    assert (text, values) == condition(where)


def test_labels_are_looked_up_by_id() -> None:
    """A label's name is resolved in every quoting; only its id reaches the database."""
    text, values = condition("label('it''s') >= 0.5")
    assert "it's" not in text
    assert {4, 0.5} == set(values)


@pytest.mark.parametrize(
    "where",
    [
        *(
            "1 = 1",
            "true; drop table image",
            "true union select 1",
            "modality = (select 'a')",
            "exists (select 1)",
        ),
        *("pg_sleep(1) = 1", "modality || 'x' = 'y'", "modality ~ 'x'", "frame + 1 = 2", "frame = 1::int"),
        *(
            "i.modality = 'a'",
            "public.image.key = 'a'",
            "secret = 1",
            "labels('x') = 1",
            "label(modality) = 1",
        ),
        *(
            "label('No such') = 1",
            "label('Effusion', 'x') = 1",
            "modality = 1",
            "frame = 'a'",
            "frame = 1e999",
        ),
        *("study_date > 'soon'", "modality = null", "modality in ()", "modality in (select 'a')"),
        *("modality = any(array['x'])", "case when true then true end", "modality = 'a' limit 1", "modality"),
        *(
            "modality = 'a' order by 1",
            "modality = 'a' for update",
            "(" * 300 + "true" + ")" * 300,
            "'",
            "(",
            "a b",
        ),
        *(
            "not " * 100 + "true",
            "true or " * 5000 + "true",
            "modality = E'\\000'",
            "modality = 'a' group by 1",
        ),
        *("frame between symmetric 1 and 2", "modality like 'a' escape 'b'", "modality ilike any ('a')"),
        *("label(distinct 'x') = 1", "label('Effusion') over () = 1", "modality collate x = 'a'"),
        *("modality = 'a' into x", "copy(1) = 1", "$1 = modality", ":x = modality", "modality = %(w0)s", "*"),
    ],
)
def test_everything_else_is_refused(where: str) -> None:
    """Every other condition raises PermanentError and no other exception."""
    with pytest.raises(PermanentError):
        condition(where)


def test_the_nearest_name_is_suggested() -> None:
    """The error for an unknown name suggests the most similar known name."""
    with pytest.raises(PermanentError, match="Did you mean 'view_position'"):
        condition("view_postion = 'PA'")
    with pytest.raises(PermanentError, match="Did you mean 'Effusion'"):
        condition("label('effusion') = 1")


def test_no_text_of_a_selection_reaches_the_query() -> None:
    """The query has only names and placeholders for any value."""
    hostile = "x'); drop table image; --"
    text, values = condition(
        "modality in ('{0}', 'b') or body_part like '{0}'".format(hostile.replace("'", "''"))
    )
    assert [hostile, "b", hostile] == values
    assert not re.search("drop|--|;", text)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", "verdict = 'good' and not is_localizer"),
        (
            "modality = 'CT' or frame = 1",
            "(modality = 'CT' or frame = 1) and verdict = 'good' and not is_localizer",
        ),
        ("verdict = 'black'", "(verdict = 'black') and not is_localizer"),
        ("is_localizer or verdict is null", "(is_localizer or verdict is null)"),
    ],
)
def test_defaults_are_added(where: str, expected: str) -> None:
    """Good images and no localizers are the default for columns that the selection doesn't use."""
    assert expected == full_selection(where)


def test_a_selection_can_not_close_the_surrounding_brackets() -> None:
    """A selection that is only valid together with the added brackets is refused."""
    for where in ("true) or (true", "true -- ", "true /*"):
        try:
            parse_selection(full_selection(where), LABELS)
        except PermanentError:
            continue
        assert "verdict" in full_selection(where)
