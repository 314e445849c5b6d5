"""Build a wheel of OpenCV from its source distribution, with the modules that functions use and nothing else.

The build stage of the Dockerfile runs this file alone. The compiler is Clang from the package ziglang, so the
wheel depends on the locks and not on the base image; it needs no library but glibc.

``python3 opencv_wheel.py TOOLS LOCK WHEELS``
"""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

# Rendering, the search for text and rapidocr use core and imgproc, which is linked to geometry and flann.
_MODULES = ("core", "imgproc", "geometry", "flann", "python3")
# Codecs, video and parts of other makers; OpenCV would take what the base image has of them, or download it.
_WITHOUT = (
    "IPP OPENCL LAPACK ITT PROTOBUF FLATBUFFERS FFMPEG GSTREAMER V4L OBSENSOR VA GTK EIGEN UNIFONT "
    "JPEG PNG TIFF WEBP OPENJPEG AVIF OPENEXR GDAL GDCM"
).split()
_TARGET = (
    f"{platform.machine()}-linux-gnu.2.28"  # any processor of the kind; faster code is chosen when it runs
)
_DEFINITIONS = {
    "BUILD_LIST": ",".join(_MODULES),
    "BUILD_ZLIB": "ON",
    "CPU_DISPATCH": "SSE4_1,AVX,AVX2",
    "PYTHON3_LIMITED_API": "ON",
    "CMAKE_TRY_COMPILE_TARGET_TYPE": "STATIC_LIBRARY",  # tests of the compiler need not link: minutes less
    "OPENCV_PYTHON_SKIP_LINKER_EXCLUDE_LIBS": "ON",  # Zig's linker has no such option
    "OPENCV_TIMESTAMP": "1970-01-01T00:00:00Z",
}
_STUBS = {"python/cv2/py.typed": "python/cv2/__init__.py", "/typing/": "/misc/"}  # and what stands for them
# The build writes into the library what uname says of the machine; the wheel must not differ with its kernel.
_UNAME = f"print({{'-s': 'Linux', '-m': {platform.machine()!r}}}.get(sys.argv[1], 'any'))\n"


def build_wheel(tools: Path, lock: Path, wheels: Path) -> None:
    """Download the source distribution that the lock names by its hash, compile it, and write the wheel.

    It is unpacked to a folder of a constant name: the library's messages have the names of its source files.
    """
    pip, folder = [sys.executable, "-m", "pip"], wheels.absolute() / "source"
    chosen = ["--no-build-isolation", "--no-deps", "--no-binary=:all:"]
    given = environment(tools)
    download = [
        *pip,
        "download",
        *chosen,
        "--require-hashes",
        "--requirement",
        str(lock),
        "--dest",
        str(folder),
    ]
    subprocess.run(download, env=given, check=True)
    (archive,) = folder.glob("*.tar.gz")
    shutil.unpack_archive(archive, folder)
    unpacked = folder / archive.name.removesuffix(".tar.gz")
    _expect_no_stubs(unpacked / "setup.py")
    wheel = [*pip, "wheel", *chosen, "--no-index", "--wheel-dir", str(wheels), str(unpacked)]
    subprocess.run(wheel, env=given, check=True)


def _expect_no_stubs(setup: Path) -> None:
    """Let the installation go on without stubs for type checkers, which need modules that are left out."""
    text = setup.read_text(encoding="utf-8")
    for stubs, other in _STUBS.items():
        if text.count(stubs) != 1:
            raise ValueError("OpenCV's setup.py is not the one that this build was written for.")
        text = text.replace(stubs, other)
    setup.write_text(text, encoding="utf-8")


def environment(tools: Path) -> dict[str, str]:
    """The variables by which OpenCV's build finds the compiler, and what it leaves out."""
    zig = tools.absolute() / "ziglang" / "zig"
    programs = tools.absolute() / "bin"
    definitions = _DEFINITIONS | {f"WITH_{name}": "OFF" for name in _WITHOUT}
    for name in ("ar", "ranlib"):
        definitions[f"CMAKE_{name.upper()}"] = str(_subcommand(programs / f"zig-{name}", zig, name))
    # Headers of the system are after those of Zig: Debian's pyconfig.h is named from /usr/include.
    options = "-target", _TARGET, "-idirafter", str(Path(sysconfig.get_path("include")).parent)
    _program(programs / "uname", _UNAME)
    return os.environ | {
        "CC": str(_subcommand(programs / "zig-cc", zig, "cc", *options)),
        "CXX": str(_subcommand(programs / "zig-c++", zig, "c++", *options)),
        "CMAKE_ARGS": " ".join(f"-D{name}={value}" for name, value in definitions.items()),
        "CMAKE_GENERATOR": "Ninja",
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": str(tools.absolute()),
        "TMPDIR": str(tools.absolute().parent),
        "ZIG_GLOBAL_CACHE_DIR": f"{tools.absolute().parent}/zig",
        "ZIG_LOCAL_CACHE_DIR": f"{tools.absolute().parent}/zig",
    }


def _subcommand(path: Path, zig: Path, *words: str) -> Path:
    """Write a program that runs a subcommand of zig: CMake takes the path of one program."""
    return _program(path, f"import os\n\nos.execv({str(zig)!r}, ['zig', *{words!r}, *sys.argv[1:]])\n")


def _program(path: Path, code: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\nimport sys\n\n{code}", encoding="utf-8")
    path.chmod(0o755)
    return path


if __name__ == "__main__":
    build_wheel(*map(Path, sys.argv[1:4]))
