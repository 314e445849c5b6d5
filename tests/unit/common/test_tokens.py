"""Tokens: which callers are authorised, and how tokens are rotated."""

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
    """Replace the complete file, as a rotation does."""
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
    """All tokens in the file are accepted, the first is sent, and a removed token is refused."""
    tokens = Tokens(TokenFile(path))
    assert (OLD, True, False) == (tokens.current, tokens.accepts(OLD), tokens.accepts(NEW))
    _write(path, NEW, OLD)
    assert (NEW, True, True) == (tokens.current, tokens.accepts(OLD), tokens.accepts(NEW))
    _write(path, NEW)
    assert (NEW, False, True) == (tokens.current, tokens.accepts(OLD), tokens.accepts(NEW))


@pytest.mark.parametrize("given", ["", OLD[:-1], OLD + "x", OLD.upper(), f"{OLD}\n", "Müller", "\udcff" * 30])
def test_nothing_else_is_accepted(path: Path, given: str) -> None:
    """Only a complete token is accepted."""
    _write(path, NEW, OLD)
    assert not Tokens(TokenFile(path)).accepts(given)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "short", f"{OLD}\nshort", "with a space in the middle", "Mü" * 16]
)
def test_a_file_without_a_token_authorises_nobody(path: Path, text: str) -> None:
    """The error names the variable of a wrong file, without its text."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="DCM2SET_TOKEN_FILE is wrong: expected") as caught:
        Tokens(TokenFile(path)).accepts("")
    assert "short" not in str(caught.value)


def test_a_missing_file_is_503_naming_the_variable(path: Path) -> None:
    """Without its file a function works on nothing and names the setting to fix."""
    target = Target("extract", Tokens(TokenFile(path)))
    path.unlink()
    response = respond(request(b"", token=OLD), lambda: target)
    assert 503 == response.status_code
    assert "DCM2SET_TOKEN_FILE" in response.json["cause"]


def test_tokens_of_the_settings(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """DCM2SET_TOKEN is accepted; a token file, with the previous token in a second line, replaces it."""
    monkeypatch.setenv("DCM2SET_TOKEN", OLD)
    settings.cache_clear()
    try:
        assert (OLD,) == wiring.tokens().read()
        monkeypatch.setenv("DCM2SET_TOKEN_FILE", str(path))
        _write(path, NEWER, NEW)
        settings.cache_clear()
        assert (NEWER, NEW) == wiring.tokens().read()
    finally:
        settings.cache_clear()
