"""What the native libraries below Python are told, by the environment of a process that works on pictures."""

from collections.abc import Mapping

_MIB = 1024 * 1024

# Read once, as a process starts.
ENVIRONMENT: Mapping[str, str] = {
    # Several processes share the processors; more threads within each only get in their way.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # glibc gives the memory of each temporary array back to the kernel and asks for it again: in a
    # thread 2,300 page faults, a quarter of the time, for each picture of 512 x 512 (mallopt(3)).
    "MALLOC_MMAP_THRESHOLD_": str(16 * _MIB),
    "MALLOC_TRIM_THRESHOLD_": str(32 * _MIB),
}
