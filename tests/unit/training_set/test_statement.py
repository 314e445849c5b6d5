"""What a person states about a training set: asked once, kept over versions, refused without a word why."""

import pytest

from common.errors import PermanentError
from training_set.selection.statement import STATED, check_statement, merged_statement

ALL = {"licence": "CC-BY-4.0", "ethics": "EK 1", "intended_use": "research", "limits": "one site"}


def test_what_is_given_goes_before_the_last_version_and_the_settings() -> None:
    """A given text replaces that of the last version, and that of the settings comes last."""
    found = merged_statement(
        {"ethics": "new"}, {"ethics": "old", "limits": "old"}, dict.fromkeys(STATED, "set")
    )
    expected = {"licence": "set", "ethics": "new", "intended_use": "set", "limits": "old"}
    assert expected == found
    check_statement(found)


def test_a_missing_statement_is_asked_for() -> None:
    """The refusal names exactly what is missing, its options, the settings, and the way without."""
    with pytest.raises(PermanentError) as found:
        check_statement({"licence": "x", "ethics": "y"})
    text = str(found.value)
    assert "lacks intended use and limits. Give --intended-use" in text
    assert "--licence" not in text
    assert all(words in text for words in ("--limits", "DCM2SET_SET_LICENCE", '--without-statement "why"'))


def test_a_word_why_stands_for_what_is_missing() -> None:
    """A reason is kept while something is missing, and dropped when everything is stated."""
    first = merged_statement({"without": "a trial"}, {}, {})
    check_statement(first)
    assert {"without": "a trial", "licence": "x"} == merged_statement({"licence": "x"}, first, {})
    assert merged_statement(ALL, first, {}) == ALL


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "x" * 2001])
def test_texts_that_can_not_be_printed_are_refused(text: str) -> None:
    """Empty, unprintable and very long texts are refused with the name of the option."""
    with pytest.raises(PermanentError, match="--intended-use"):
        merged_statement({"intended_use": text}, {}, {})


def test_a_text_is_stored_on_one_line() -> None:
    """Line ends and other spaces become single spaces."""
    assert {"limits": "a b"} == merged_statement({"limits": " a\n\t b "}, {}, {})
