"""The rooms of the tree: what each may import, and which files lie at the roots of common and infra."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.architecture.rooms import ALLOWED, PACKAGES, ROOT_FILES
from tests.support.repository import ROOT

MOST_FILES = 12  # in a folder of the code, without __init__.py
MOST_LINES_OF_A_MODULE, MOST_LINES_OF_A_FUNCTION = 300, 40


def python_files(*folders: str) -> Iterator[Path]:
    """Every Python file below folders of the repository."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def room_of(module: str) -> str:
    """The room of a module: the longest of the known names that it begins with."""
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in ALLOWED), "")


def imports(path: Path) -> Iterator[str]:
    """Every module of ours that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = [_imported(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in PACKAGES)


def _imported(module: str, name: str) -> str:
    """The module that ``from module import name`` reads: a submodule of that name, or the module."""
    below = ROOT / module.replace(".", "/") / name
    return f"{module}.{name}" if below.with_suffix(".py").exists() or below.is_dir() else module


def module_of(path: Path) -> str:
    """The dotted name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_every_room_imports_only_what_it_may() -> None:
    """Each room imports the rooms and modules that are listed for it, and no others."""
    files = list(python_files(*PACKAGES))
    assert files
    wrong = [
        (module_of(path), name)
        for path in files
        for name in imports(path)
        if not {name, room_of(name)} & {*ALLOWED[room_of(module_of(path))], room_of(module_of(path))}
    ]
    assert [] == wrong


def test_every_room_is_listed() -> None:
    """A new folder of a package has its line in the list; the Synology client is part of the NAS room."""
    inner = {"common.nas.synology", "functions.annotations.formats", "functions.annotations.names",
             "functions.annotations.formats.tables", "functions.annotations.storage",
                 "functions.extract.sandbox", "infra.local.causes", "infra.local.service",
                 "infra.local.stores", "infra.provision.store"}  # fmt: skip
    folders = {module_of(path) for path in python_files(*PACKAGES) if path.name == "__init__.py"}
    assert folders == {*ALLOWED, *inner}


@pytest.mark.parametrize("package", [name for name in PACKAGES if name not in {"common", "infra"}])
def test_imports_between_rooms_point_one_way(package: str) -> None:
    """No two rooms import each other, however many others lie between them."""
    rooms = {name: {room_of(other) for other in others} - {name} for name, others in ALLOWED.items()}
    graph = {name: others for name, others in rooms.items() if name.split(".")[0] == package}
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("package", ["common", "infra"])
def test_imports_below_a_root_point_one_way(package: str) -> None:
    """The same where the root holds what every room needs and what joins them (wiring, the command line)."""
    rooms = {name: {room_of(other) for other in others} - {name, package} for name, others in ALLOWED.items()}
    graph = {name: others for name, others in rooms.items() if name.startswith(f"{package}.")}
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("package", sorted(ROOT_FILES))
def test_no_file_is_added_to_a_root(package: str) -> None:
    """A new file of common or infra goes into a room."""
    assert ROOT_FILES[package] == {path.name for path in (ROOT / package).glob("*.py")}


def test_no_folder_of_code_is_crowded() -> None:
    """A folder with more than a dozen modules has a room missing."""
    modules = [path for path in python_files(*PACKAGES) if path.name != "__init__.py"]
    folders = {path.parent for path in modules}
    crowded = {
        str(folder.relative_to(ROOT)): sum(path.parent == folder for path in modules) for folder in folders
    }
    assert {} == {folder: number for folder, number in crowded.items() if number > MOST_FILES}


def test_no_module_and_no_function_is_long() -> None:
    """A module has at most 300 lines and a function at most 40: a longer one holds two ideas."""
    files = list(python_files(*PACKAGES, "benchmarks", "scripts", "examples", "tests"))
    long = []
    for path in files:
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(ROOT))
        if text.count("\n") > MOST_LINES_OF_A_MODULE:
            long.append(name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    long.append(f"{name}:{node.name}")
    assert [] == long


def test_no_function_imports_another() -> None:
    """The next stage starts because an object appeared, never by a call."""
    wrong = []
    for path in python_files("functions"):
        own = module_of(path).split(".")[:2]
        wrong += [
            (str(path), name)
            for name in imports(path)
            if name.split(".")[0] == "functions" and name.split(".")[:2] != own
        ]
    assert [] == wrong


def test_an_http_target_is_short() -> None:
    """A function's main.py is a card and the wiring of at most 40 lines of code."""
    for path in (ROOT / "functions").glob("*/main.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        code = sum(node.end_lineno - node.lineno + 1 for node in tree.body[1:])
        assert code <= 40, path


def test_no_test_imports_another_test() -> None:
    """What several test modules share lies in tests/support or beside them, not in a test module."""
    wrong = [
        (str(path.relative_to(ROOT)), node.module)
        for path in python_files("tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[-1].startswith("test_")
    ]
    assert [] == wrong
