"""The direction of imports: functions to common and model, infra to all but functions."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"common", "functions", "infra", "model", "training_set"}
ALLOWED = {
    "common": {"common"},
    "model": {"model", "common"},
    "training_set": {"training_set", "common"},
    "infra": {"infra", "common", "model", "training_set"},
}


def imports(path: Path) -> Iterator[str]:
    """Every module of ours that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = [node.module or ""]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in OURS)


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_a_package_imports_only_what_it_may(package: str) -> None:
    """Imports point one way: common knows nothing of the others, infra no function's code."""
    files = list((ROOT / package).rglob("*.py"))
    assert files
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for path in files
        for name in imports(path)
        if name.split(".")[0] not in ALLOWED[package]
    ]
    assert [] == wrong


def test_no_function_imports_another() -> None:
    """The next stage starts because an object appeared, never by a call."""
    files = list((ROOT / "functions").rglob("*.py"))
    assert files
    wrong = []
    for path in files:
        parts = path.relative_to(ROOT / "functions").parts
        for name in imports(path):
            top, *rest = name.split(".")
            if top in {"infra", "training_set"} or (top == "functions" and rest[:1] != list(parts[:1])):
                wrong.append((str(path), name))
    assert [] == wrong


def test_an_http_target_is_short() -> None:
    """A function's main.py is a card and the wiring of at most 40 lines of code."""
    for path in (ROOT / "functions").glob("*/main.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        code = sum(node.end_lineno - node.lineno + 1 for node in tree.body[1:])
        assert code <= 40, path
