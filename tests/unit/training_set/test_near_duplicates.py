"""All near hashes are found: the pairs and groups are those of a comparison of each hash with each."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tests.support.hash_sets import (
    Hashes,
    clustered_hashes,
    flipped,
    random_hashes,
    series_hashes,
    skewed_hashes,
)
from training_set.splits import near_duplicates
from training_set.splits.near_duplicates import RADIUS, near_hashes, near_pairs

Ints = NDArray[np.int64]


def compared(hashes: Hashes, owners: Ints) -> Ints:
    """Compare each hash with each; return the pairs within the radius of different owners."""
    words = np.ascontiguousarray(hashes).view(np.uint64).T.copy()
    found = []
    for begin in range(0, len(hashes), 500):
        bits = np.zeros((min(500, len(hashes) - begin), len(hashes) - begin), np.uint8)
        for word in words:
            bits += np.bitwise_count(word[begin : begin + 500, None] ^ word[None, begin:])
        one, other = np.nonzero(bits <= RADIUS)
        found.append(np.stack([one, other], axis=1)[one < other] + begin)
    pairs = np.concatenate(found)
    return pairs[owners[pairs[:, 0]] != owners[pairs[:, 1]]]


def groups(pairs: Ints, owners: Ints) -> list[int]:
    ends = owners[pairs]
    number = int(owners.max()) + 1
    joined = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(number, number))
    return connected_components(joined, directed=False)[1].tolist()


def with_copies(hashes: Hashes, copies: int) -> Hashes:
    """Add copies that differ in 0 to 30 bits, so many of them in 24 and 25."""
    random = np.random.default_rng(3)
    originals = hashes[random.integers(0, len(hashes), copies)]
    changed = [flipped(row, index % 31, seed=index) for index, row in enumerate(originals)]
    return np.concatenate([hashes, np.stack(changed)])


@pytest.mark.parametrize("bits", [8, 20])
def test_all_pairs_of_10000_hashes_are_found(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random and skewed hashes with copies of 0 to 30 bits give the pairs of a full comparison.

    A million hashes have chunks of 20 bits.
    """
    monkeypatch.setattr(near_duplicates, "_FEWEST_BITS", bits)
    hashes = with_copies(np.concatenate([random_hashes(4000), skewed_hashes(4000)]), 2000)
    hashes = np.unique(hashes, axis=0)
    every = np.arange(len(hashes))
    expected = compared(hashes, every)
    assert expected.tolist() == near_hashes(hashes, every).tolist() == near_pairs(hashes, every).tolist()
    bits = np.bitwise_count(hashes[expected[:, 0]] ^ hashes[expected[:, 1]]).sum(axis=1)
    assert {*range(1, RADIUS + 1)} == set(bits.tolist())
    assert (bits == RADIUS).sum() > 50


@pytest.mark.parametrize("bits", range(22, 27))
def test_the_radius_is_exact(bits: int) -> None:
    """Each of 300 copies is found up to 24 bits, and none beyond."""
    originals = random_hashes(300)
    copies = np.stack([flipped(row, bits, seed=seed) for seed, row in enumerate(originals)])
    expected = [[number, 300 + number] for number in range(300 if bits <= RADIUS else 0)]
    hashes = np.concatenate([originals, copies])
    assert expected == near_pairs(hashes, np.arange(600)).tolist()
    assert expected == near_pairs(hashes, np.arange(600), links_only=True).tolist()


@pytest.mark.parametrize(("images_of_an_owner", "bits"), [(1, 8), (7, 8), (400, 8), (7, 20)])
def test_groups_are_those_of_a_full_comparison(
    images_of_an_owner: int, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clusters of equal and similar hashes join the same owners, with or without all pairs."""
    monkeypatch.setattr(near_duplicates, "_FEWEST_BITS", bits)
    parts = [clustered_hashes(2000, 400, 200), skewed_hashes(800), series_hashes(800)[0]]
    hashes = with_copies(np.concatenate(parts), 1500)
    owners = np.random.default_rng(0).permutation(len(hashes)) // images_of_an_owner
    expected = compared(hashes, owners)
    for links_only in (False, True):
        pairs = near_pairs(hashes, owners, links_only=links_only)
        bits = np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]).sum(axis=1)
        assert bits.max() <= RADIUS
        assert (owners[pairs[:, 0]] != owners[pairs[:, 1]]).all()
        assert groups(expected, owners) == groups(pairs, owners)
        if images_of_an_owner == 1:
            assert np.isin(pairs[:, 0] * len(hashes) + pairs[:, 1], expected @ [len(hashes), 1]).all()


def test_clusters_give_one_link_per_image() -> None:
    """5,000 equal and 2 x 2,000 similar hashes give hardly more links than hashes."""
    hashes = clustered_hashes(20_000, 5000, 2000)
    links = near_pairs(hashes, np.arange(len(hashes)), links_only=True)
    assert 8997 <= len(links) <= 9020


def test_pairs_of_one_owner_are_ignored() -> None:
    """Slices of a series, and a clip of 3,000 frames, are near one another and give no pair."""
    hashes, patients = series_hashes(2000)
    clip = clustered_hashes(3000, 1000, 1000)[:3000]
    hashes, owners = np.concatenate([hashes, clip]), np.r_[patients, np.full(3000, patients.max() + 1)]
    assert [] == near_pairs(hashes, owners).tolist() == near_pairs(hashes, owners, links_only=True).tolist()


def test_one_hash_of_two_owners_is_one_pair() -> None:
    """Equal pictures of two patients are linked once."""
    hashes = np.repeat(random_hashes(1), 50, axis=0)
    assert 0 == len(near_pairs(hashes, np.zeros(50, int)))
    ((one, other),) = near_pairs(hashes, np.arange(50) % 2)
    assert one % 2 != other % 2
    assert 0 == len(near_pairs(hashes[:1], np.zeros(1, int)))
