"""A server in Go that is built once: what is said meanwhile, and why a build failed."""

from pathlib import Path

import pytest

from common.errors import SettingsError
from infra.local.stores.go_program import GoProgram, progress

_GO = """#!/bin/sh
[ "$1" = version ] && echo "go version go1.99.0 linux/amd64" && exit
echo "$@" > "$HOME/arguments"
printf '{output}' >&2
exit 1
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("", "compiling"),
        ("go: downloading example.org/a v1.2.0\n", "downloading example.org/a v1.2.0"),
        ("go: downloading example.org/a v1.2.0\nexample.org/a/cmd\n", "compiling example.org/a/cmd"),
    ],
)
def test_progress_says_what_go_does(output: str, expected: str) -> None:
    """Downloads are shown as long as they last, then the package that is compiled."""
    assert expected == progress(output)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("go: downloading b v1\\ngo: example.org/a: no such host\\n", "example.org/a: no such host"),
        ("# example.org/b\\nb.go:1:1: undefined: x\\nexample.org/c\\n", "b.go:1:1: undefined: x"),
        ("write /b: no space left on device\\nb.go:1:1: x\\n", "write /b: no space left on device"),
        ("", "no message"),
    ],
)
def test_a_failed_build_names_its_error(
    output: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is named and not the package that go happened to name last."""
    go = tmp_path / "go"
    go.write_text(_GO.format(output=output))
    go.chmod(0o755)
    for name, value in {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program = GoProgram("Server", "no-such-server", "example.org/server", "v1.0.0-abc", "a minute", (1, 24))
    with pytest.raises(SettingsError) as error:
        program.binary(print)
    assert f"Server could not be built ({expected}); see " in str(error.value)
    arguments = (tmp_path / "arguments").read_text().split()
    assert ["install", "-v"] == arguments[:2]
    assert "example.org/server@v1.0.0-abc" == arguments[-1]
