"""Environment variables that configure native libraries in processes that work on pictures."""

from collections.abc import Mapping

_MIB = 1024 * 1024

# The libraries read them once, when the process starts.
ENVIRONMENT: Mapping[str, str] = {
    # Several processes share the processors; more threads in each process would only compete.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # By default glibc returns the memory of each temporary array to the kernel and requests it again. In a
    # thread this caused 2,300 page faults for each picture of 512 x 512, a quarter of the time (mallopt(3)).
    "MALLOC_MMAP_THRESHOLD_": str(16 * _MIB),
    "MALLOC_TRIM_THRESHOLD_": str(32 * _MIB),
}
