"""The same last digits on every x86-64 processor, so that a training gives the same bytes everywhere."""

import os
import platform
import sys

# numpy, OpenBLAS and OpenCV choose other instructions on newer processors, which add numbers in another
# order: with AVX-512 a training gave the same figures to three digits, and another digest. So training uses
# what all processors since 2013 have. The names are those of numpy 2.4 and OpenCV 5; numpy ignores those that
# the processor lacks. IPP is the part of OpenCV with the Fourier transforms.
ARITHMETIC = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_CPU_DISABLE": "AVX512-SKX",
    "OPENCV_IPP": "avx2",
}


def use_same_arithmetic() -> None:
    """Start this process again with ARITHMETIC unless it has it: the libraries read it when they are loaded.

    On other processors than x86-64 nothing is done; there a training gives another digest.
    """
    if platform.machine() not in {"x86_64", "AMD64"} or ARITHMETIC.items() <= os.environ.items():
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | ARITHMETIC)  # noqa: S606
