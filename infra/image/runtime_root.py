"""Lay out the root file systems of the images: what they need of Python, of their packages and of ours.

The build stages of the Dockerfile run this module with the interpreter of the base image and no package. The
result has no shell, no package manager and no file that left_out.toml names.

``python3 -m infra.image.runtime_root functions LEFT_OUT.toml PACKAGES CODE ROOT``, and for the layer that the
operator's image adds ``python3 -m infra.image.runtime_root operator LEFT_OUT.toml PACKAGES ROOT``
"""

import compileall
import shutil
import sys
import sysconfig
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from py_compile import PycInvalidationMode

from infra.image.certificates import JOINED, certificates
from infra.image.shared_objects import is_library, libraries, loaded_part, shared_objects

VENV = Path("/opt/dcm2set")
USER = 65532
_VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"
SITE = VENV / "lib" / _VERSION / "site-packages"
_ZONES = Path("/usr/share/zoneinfo")
_LICENCES = Path("/usr/share/doc")
_ACCOUNTS = {
    "passwd": f"root:x:0:0::/:/none\ndcm2set:x:{USER}:{USER}::/tmp:/none\n",
    "group": f"root:x:0:\ndcm2set:x:{USER}:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
# The command `dcm2set`, as the installer would write it, for containers that set up, call or ask functions.
_COMMAND = f"#!{VENV}/bin/python3\nfrom infra.cli import main\n\nmain()\n"
_MOUNT_POINTS = ("dev", "proc", "sys", "run", "tmp")


@dataclass(frozen=True)
class LeftOut:
    """Files that are left out: patterns of names below a folder, in which `*` also stands for `/`."""

    why: str
    files: list[str]
    but: list[str] = field(default_factory=list)  # of these, the files that stay

    def names(self, name: str) -> bool:
        """Whether a file is left out."""
        return _matches(name, self.files) and not _matches(name, self.but)


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def read_left_out(path: Path) -> dict[str, list[LeftOut]]:
    """The rules for the parts `python` and `packages`."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return {part: [LeftOut(**rule) for rule in rules] for part, rules in table.items()}


def kept_files(folder: Path, left_out: list[LeftOut]) -> list[Path]:
    """The files below a folder that no rule names, in order; without bytecode."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir())
    return [
        path
        for path in files
        if "__pycache__" not in path.parts
        and not any(rule.names(path.relative_to(folder).as_posix()) for rule in left_out)
    ]


def require_used(folder: Path, left_out: list[LeftOut]) -> None:
    """Raise ValueError if a pattern names no file below a folder: a package has changed."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    patterns = [pattern for rule in left_out for pattern in (*rule.files, *rule.but)]
    if unused := [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)]:
        raise ValueError(f"left_out.toml names files that no package has: {', '.join(unused)}")


def lay_out(left_out: dict[str, list[LeftOut]], packages: Path, code: Path, root: Path) -> None:
    """Write the three layers of the image of the functions below `root`: base, packages, code."""
    base = root / "base"
    _lay_out_base(base, left_out["python"])
    _copy(code, root / "code" / SITE.relative_to("/"), [])
    programs = [Path(sys.executable).resolve(), *shared_objects(base)]
    for path in libraries(programs) | _lay_out_packages(packages, left_out["packages"], root / "packages"):
        _copy_file(path, base)
    for part, site in (("base", _stdlib()), ("code", SITE)):
        _compile(root / part / site.relative_to("/"), site)


def lay_out_operator(left_out: dict[str, list[LeftOut]], packages: Path, root: Path) -> None:
    """Write the layer of the operator's image, above those of the functions: `operator` below `root`."""
    for path in _lay_out_packages(packages, left_out["operator"], root / "operator"):
        if not (root / "base" / path.relative_to("/")).exists():
            _copy_file(path, root / "operator")


def _lay_out_packages(packages: Path, left_out: list[LeftOut], layer: Path) -> set[Path]:
    """Write packages to a layer; return the libraries of the base image that they load."""
    require_used(packages, left_out)
    site = layer / SITE.relative_to("/")
    _copy(packages, site, left_out)
    found = set(shared_objects(site))
    modules = {path for path in found if not is_library(path)}
    needed = libraries(sorted(modules))
    for path in found:
        if path in needed | modules:
            path.write_bytes(loaded_part(path.read_bytes()))
        else:
            path.unlink()
    _compile(site, SITE)
    return needed - found


def _lay_out_base(base: Path, left_out: list[LeftOut]) -> None:
    for name in _MOUNT_POINTS:
        (base / name).mkdir(parents=True)
    (base / "tmp").chmod(0o1777)
    for name, text in _ACCOUNTS.items():
        _write(base / "etc" / name, text)
    _write(base / JOINED.relative_to("/"), certificates())
    interpreter = Path(sys.executable).resolve()
    _copy_file(interpreter, base)
    _copy(_stdlib(), base / _stdlib().relative_to("/"), left_out)
    for path in _ZONES.iterdir():
        if path.name not in {"posix", "right"}:  # the same zones again, in other forms
            _copy_tree(path, base)
    _write(base / VENV.relative_to("/") / "pyvenv.cfg", f"home = {interpreter.parent}\n")
    link = base / VENV.relative_to("/") / "bin" / "python3"
    link.parent.mkdir()
    link.symlink_to(interpreter)
    write_command(link.parent)
    if (lib64 := Path("/lib64")).is_symlink():
        (base / "lib64").symlink_to(lib64.readlink())


def write_command(folder: Path) -> None:
    """Write the command line `dcm2set` into a folder of programs."""
    _write(folder / "dcm2set", _COMMAND)
    (folder / "dcm2set").chmod(0o755)


def _stdlib() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _copy_file(path: Path, base: Path) -> None:
    """Copy a file to the same path below `base`, with the links that lead to it."""
    real = path.resolve()
    target = base / real.relative_to("/")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(real, target)
        target.chmod(0o755)
    named = base / path.parent.resolve().relative_to("/") / path.name
    if named != target and not named.exists():
        named.parent.mkdir(parents=True, exist_ok=True)
        named.symlink_to(real)
    loader_folder = path.parts[1]
    if path.parent != path.parent.resolve() and not (base / loader_folder).exists():
        (base / loader_folder).symlink_to(Path("/", loader_folder).resolve().relative_to("/"))


def _copy_tree(path: Path, base: Path) -> None:
    files = [path] if path.is_file() else [each for each in sorted(path.rglob("*")) if each.is_file()]
    for each in files:
        target = base / each.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(each, target)


def _copy(folder: Path, target: Path, left_out: list[LeftOut]) -> None:
    for path in kept_files(folder, left_out):
        copy = target / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


def _compile(folder: Path, shown: Path) -> None:
    """Compile modules to bytecode that is valid whatever the time stamps of their sources are."""
    compileall.compile_dir(
        folder,
        quiet=2,  # packages have templates and tests of other Pythons
        stripdir=str(folder),
        prependdir=str(shown),
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
        workers=1,
    )


if __name__ == "__main__":
    _rules, *_folders = map(Path, sys.argv[2:])
    if sys.argv[1] == "functions":
        lay_out(read_left_out(_rules), *_folders)
    else:
        lay_out_operator(read_left_out(_rules), *_folders)
