"""The files for Prometheus: they follow the token, and are replaced as a whole."""

import json
from pathlib import Path

from common.tokens import TokenFile, Tokens
from infra.local.home import Home, write_tokens
from infra.local.service.scrape_files import ScrapeFiles

OLD, NEW = "old-token-of-sixteen", "new-token-of-sixteen"


def test_the_token_file_follows_a_file_of_tokens(tmp_path: Path) -> None:
    """The first token of a file is handed on, and each new one; without the file, the last one stays."""
    home = Home(tmp_path)
    write_tokens(home, [OLD])
    files = ScrapeFiles(home, Tokens(TokenFile(home.token_file)))
    files.write({"extract": "http://127.0.0.1:8101/"})
    assert OLD == (home.prometheus / "token").read_text()
    write_tokens(home, [NEW, OLD])
    before = (home.prometheus / "functions.json").stat().st_ino
    files.follow_token()
    assert NEW == (home.prometheus / "token").read_text()
    home.token_file.unlink()
    files.follow_token()
    assert NEW == (home.prometheus / "token").read_text()
    assert before == (home.prometheus / "functions.json").stat().st_ino


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """A file that Prometheus has open keeps its contents; the new one has another inode and mode 0600."""
    home = Home(tmp_path)
    files = ScrapeFiles(home, Tokens.of(OLD))
    files.write({"extract": "http://127.0.0.1:8101/"})
    with (home.prometheus / "functions.json").open() as opened:
        files.write({"extract": "http://127.0.0.1:8102/", "sweep": "http://127.0.0.1:8103/"})
        assert ["127.0.0.1:8101"] == json.load(opened)[0]["targets"]
    found = json.loads((home.prometheus / "functions.json").read_text())
    assert [
        {"targets": ["127.0.0.1:8102"], "labels": {"instance": "extract at 127.0.0.1:8102"}},
        {"targets": ["127.0.0.1:8103"], "labels": {"instance": "sweep at 127.0.0.1:8103"}},
    ] == found
    assert {0o600} == {path.stat().st_mode & 0o777 for path in home.prometheus.iterdir()}
    assert {"functions.json", "token"} == {path.name for path in home.prometheus.iterdir()}
