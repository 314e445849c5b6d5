"""Sets of perceptual hashes for tests and benchmarks: random, skewed, series of slices and clusters."""

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint8]  # (images, 32)
_SLICES, _STEP = 250, 15  # slices of a series, and bits in which neighbours differ
_AT_A_TIME = 50_000


def random_hashes(number: int, seed: int = 0) -> Hashes:
    """Return hashes of unrelated pictures."""
    return np.random.default_rng(seed).integers(0, 256, (number, 32), dtype=np.uint8)


def flipped(hashed: Hashes, bits: int, seed: int = 0) -> Hashes:
    """Return the hash with `bits` changed bits."""
    unpacked = np.unpackbits(hashed)
    unpacked[np.random.default_rng(seed).choice(256, bits, replace=False)] ^= 1
    return np.packbits(unpacked)


def skewed_hashes(number: int, seed: int = 0) -> Hashes:
    """Return hashes of pictures of one kind, whose bits are set in 30 to 50 % of them."""
    random, shares = np.random.default_rng(seed), np.linspace(0.3, 0.5, 256)
    parts = [
        np.packbits(random.random((min(_AT_A_TIME, number - begin), 256)) < shares, axis=1)
        for begin in range(0, number, _AT_A_TIME)
    ]
    return np.concatenate(parts)


def series_hashes(number: int, seed: int = 0) -> tuple[Hashes, NDArray[np.int64]]:
    """Return hashes of slices of CT series, each near its neighbours, and the patient of each."""
    random = np.random.default_rng(seed)
    bits = random.random((number // _SLICES, 256)) < 0.5
    hashes = np.empty((len(bits), _SLICES, 32), np.uint8)
    for place in range(_SLICES):
        hashes[:, place] = np.packbits(bits, axis=1)
        bits ^= random.random(bits.shape) < _STEP / 256
    return hashes.reshape(-1, 32), np.repeat(np.arange(len(bits)), _SLICES)


def clustered_hashes(number: int, equal: int, similar: int, seed: int = 0) -> Hashes:
    """Return random hashes of which many are equal, and two clusters of similar ones, about 12 bits apart."""
    hashes, random = random_hashes(number, seed), np.random.default_rng(seed)
    hashes[:equal] = hashes[0]
    for begin in (equal, equal + similar):
        changes = np.packbits(random.random((similar, 256)) < 6 / 256, axis=1)
        hashes[begin : begin + similar] = hashes[begin] ^ changes
    return hashes
