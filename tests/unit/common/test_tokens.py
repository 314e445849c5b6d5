"""Tokens: which callers are let in, and how one token follows another."""

from pathlib import Path

import pytest

from common import wiring
from common.errors import SettingsError
from common.http.http_target import Target, respond
from common.settings import settings
from common.tokens import TokenFile, Tokens
from tests.in_memory.requests import request

OLD, NEW, NEWER = "old-token-of-all-functions", "new-token-of-all-functions", "newer-token-of-all-functions"


def _write(path: Path, *tokens: str) -> None:
    """Replace the file as a whole, as a rotation does."""
    part = path.with_suffix(".part")
    part.write_text("\n".join(tokens), encoding="utf-8")
    part.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A token file with one token."""
    path = tmp_path / "tokens"
    _write(path, OLD)
    return path


def test_a_process_follows_its_token_file(path: Path) -> None:
    """Both tokens count while both are in the file, the first is sent, and a token taken out is refused."""
    tokens = Tokens(TokenFile(path))
    assert (OLD, True, False) == (tokens.current, tokens.accepts(OLD), tokens.accepts(NEW))
    _write(path, NEW, OLD)
    assert (NEW, True, True) == (tokens.current, tokens.accepts(OLD), tokens.accepts(NEW))
    _write(path, NEW)
    assert (NEW, False, True) == (tokens.current, tokens.accepts(OLD), tokens.accepts(NEW))


@pytest.mark.parametrize("given", ["", OLD[:-1], OLD + "x", OLD.upper(), f"{OLD}\n", "Müller", "\udcff" * 30])
def test_nothing_else_is_let_in(path: Path, given: str) -> None:
    """Only a whole token counts."""
    _write(path, NEW, OLD)
    assert not Tokens(TokenFile(path)).accepts(given)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "short", f"{OLD}\nshort", "with a space in the middle", "Mü" * 16]
)
def test_a_file_that_holds_no_token_lets_nobody_in(path: Path, text: str) -> None:
    """A wrong file is told by its variable, without its text."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="DCM2SET_TOKEN_FILE is wrong: expected") as caught:
        Tokens(TokenFile(path)).accepts("")
    assert "short" not in str(caught.value)


def test_a_missing_file_is_503_naming_the_variable(path: Path) -> None:
    """Without its file a function works on nothing and says which setting to mend."""
    target = Target("extract", Tokens(TokenFile(path)))
    path.unlink()
    response = respond(request(b"", token=OLD), lambda: target)
    assert 503 == response.status_code
    assert "DCM2SET_TOKEN_FILE" in response.json["cause"]


def test_tokens_of_the_settings(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """DCM2SET_TOKEN and the one before it count; a token file takes the place of both."""
    monkeypatch.setenv("DCM2SET_TOKEN", NEW)
    monkeypatch.setenv("DCM2SET_TOKEN_BEFORE", OLD)
    settings.cache_clear()
    try:
        assert (NEW, OLD) == wiring.tokens().read()
        monkeypatch.setenv("DCM2SET_TOKEN_FILE", str(path))
        _write(path, NEWER)
        settings.cache_clear()
        assert (NEWER,) == wiring.tokens().read()
    finally:
        settings.cache_clear()
