"""Read volumes in the formats of the packages: NIfTI-1, NRRD, and single slices as .npy."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.rendering.grey_levels import Picture, stretched

_NIFTI_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2"}
_NRRD_TYPES = {"short": "i2", "unsigned short": "u2", "float": "f4", "unsigned char": "u1"}
_HEADER = 348  # size of a NIfTI-1 header in bytes, which is also its first value
SUFFIXES = (".nii.gz", ".nrrd", ".npy")


def slices(path: Path, number: int) -> Iterator[NDArray[Any]]:
    """Yield `number` upright axial slices (rows, columns), spread over the middle of the volume."""
    volume = _volume(path)
    if volume.ndim == 2:
        yield volume
        return
    while volume.ndim > 3:
        volume = volume[..., 0]
    depth = volume.shape[2]
    for index in range(number):
        position = 0.5 if number == 1 else 0.3 + 0.4 * index / (number - 1)
        yield np.rot90(volume[:, :, int(depth * position)])


def apply_window(values: NDArray[Any], window: tuple[float, float] | None) -> Picture:
    """Draw values in a window of centre and width; without one, 99 % of them span black to white."""
    if window is None:
        low, high = (float(value) for value in np.percentile(values, (0.5, 99.5)))
        return stretched(values, low, max(high, low + 1))
    centre, width = window
    return stretched(values, centre - width / 2, centre + width / 2)


def _volume(path: Path) -> NDArray[Any]:
    if path.suffix == ".npy":
        return np.asarray(np.load(path, allow_pickle=False))
    return _nrrd(path.read_bytes()) if path.suffix == ".nrrd" else _nifti(gzip.decompress(path.read_bytes()))


def _nifti(content: bytes) -> NDArray[Any]:
    order = "<" if int.from_bytes(content[:4], "little") == _HEADER else ">"
    sizes = np.frombuffer(content, f"{order}i2", 8, 40)
    kind = int(np.frombuffer(content, f"{order}i2", 1, 70)[0])
    start = int(np.frombuffer(content, f"{order}f4", 1, 108)[0])
    slope, zero = (float(value) for value in np.frombuffer(content, f"{order}f4", 2, 112))
    shape = tuple(int(size) for size in sizes[1 : 1 + sizes[0]])
    values = np.frombuffer(content, order + _NIFTI_TYPES[kind], int(np.prod(shape)), start)
    volume = values.reshape(shape, order="F")
    return volume * slope + zero if np.isfinite(slope) and slope not in {0, 1} else volume


def _nrrd(content: bytes) -> NDArray[Any]:
    head, _, data = content.partition(b"\n\n")
    lines = [line.partition(": ") for line in head.decode("ascii").splitlines() if ": " in line]
    fields = {name: value for name, _, value in lines}
    order = "<" if fields["endian"] == "little" else ">"
    values = np.frombuffer(zlib.decompress(data, wbits=31), order + _NRRD_TYPES[fields["type"]])
    return values.reshape([int(size) for size in fields["sizes"].split()], order="F")
