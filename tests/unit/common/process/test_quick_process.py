"""Modules run in a quick process: arguments, exit codes, output, workers and the collector."""

import subprocess
import sys
from pathlib import Path

import pytest


def _run(
    folder: Path, program: str, *arguments: str, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "-m", "common.process.quick_process", *options, "program", *arguments]
    environment = {"PYTHONPATH": f"{Path.cwd()}:{folder}"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_module_gets_its_arguments_as_a_main_program(tmp_path: Path) -> None:
    """It runs as `python -m` would run it, and what it printed arrives although the process ends at once."""
    done = _run(tmp_path, "import sys\nprint(__name__, sys.argv[1:], end='')\nsys.exit()", "--port", "1")
    assert ("__main__ ['--port', '1']", 0) == (done.stdout, done.returncode)


def test_another_module_can_start_something_before(tmp_path: Path) -> None:
    """Its `start` is called before the module is imported, which does not see the option."""
    (tmp_path / "early.py").write_text("def start():\n    print('started', end=' ')\n", encoding="utf-8")
    done = _run(tmp_path, "import sys\nprint(sys.argv[1:])", "--port", options=("--first", "early"))
    assert ("started ['--port']\n", 0) == (done.stdout, done.returncode)


def test_a_module_that_is_never_used_is_not_imported(tmp_path: Path) -> None:
    """What imports a name of it gets None; the options may stand together."""
    (tmp_path / "early.py").write_text("def start():\n    print('started', end=' ')\n", encoding="utf-8")
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "__init__.py").write_text("from .heavy import Heavy, other\n", encoding="utf-8")
    (tmp_path / "library" / "heavy.py").write_text("print('imported')\n", encoding="utf-8")
    program = "import sys, library\nprint(library.Heavy, library.other, sys.argv[1:])"
    options = ("--without", "library.heavy", "--first", "early")
    done = _run(tmp_path, program, "--port", options=options)
    assert ("started None None ['--port']\n", "") == (done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("ending", "code", "error"),
    [
        ("sys.exit(3)", 3, ""),
        ("sys.exit('It failed.')", 1, "It failed.\n"),
        ("raise ValueError(7)", 1, "ValueError: 7\n"),
        ("pass", 0, ""),
    ],
)
def test_it_ends_as_the_module_does(tmp_path: Path, ending: str, code: int, error: str) -> None:
    """Exit codes and errors are those of the module."""
    done = _run(tmp_path, f"import sys\n{ending}")
    assert (code, True) == (done.returncode, done.stderr.endswith(error))
    assert bool(error) == bool(done.stderr)


def test_workers_collect_garbage_and_end_alone(tmp_path: Path) -> None:
    """The collector runs in a forked worker and its parent, without what was imported before."""
    program = (
        "import gc, os, sys\n"
        "print(gc.isenabled(), flush=True)\n"
        "if not os.fork():\n"
        "    print(gc.isenabled(), gc.get_freeze_count() > 1000, flush=True)\n"
        "    sys.exit(5)\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]), gc.isenabled())\n"
    )
    assert "False\nTrue True\n5 True\n" == _run(tmp_path, program).stdout
