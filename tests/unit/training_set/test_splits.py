"""Splits keep patients and duplicates together, are stratified and stable; all duplicates are found."""

import numpy as np
import pyarrow as pa
import pytest

from tests.support.hash_sets import flipped, random_hashes
from training_set.splits.patient_groups import Pictures, images_to_leave_out
from training_set.splits.patient_splits import AssignedSplit, ImageSplits, split_images

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
NAMES = list(SHARES)


def table_of(
    patients: list[int], *, sha256: list[str] | None = None, hashes: list[str | None] | None = None
) -> pa.Table:
    number = len(patients)
    return pa.table(
        {
            "patient_id": [f"P{patient}" for patient in patients],
            "sha256": sha256 or [f"{index}" for index in range(number)],
            "picture_hash": pa.array(hashes or [None] * number, pa.string()),
            "image_id": list(range(number)),
        }
    )


def patients_of(table: pa.Table, found: ImageSplits) -> dict[str, str]:
    names = table["patient_id"].to_pylist()
    splits = {(name, NAMES[split]) for name, split in zip(names, found.splits.tolist(), strict=True)}
    assert len(splits) == len(set(names)), "a patient is in two splits"
    return dict(splits)


def split(table: pa.Table, labels: np.ndarray | None = None, **options) -> ImageSplits:
    values = np.zeros((len(table), 0)) if labels is None else labels
    return split_images(table, values, **{"assigned": {}, "shares": SHARES, "key": "set 0", **options})


def population(number: int, seed: int, labels: int = 14) -> tuple[list[int], np.ndarray]:
    """Return images of `number` patients, one to eight each, and labels that depend on the patient."""
    random = np.random.default_rng(seed)
    images = np.minimum(random.geometric(0.5, number), 8)
    shares = np.exp(random.uniform(np.log(0.01), np.log(0.6), labels))
    has = random.random((number, labels)) < shares
    owners = np.repeat(np.arange(number), images)
    values = (random.random((len(owners), labels)) < np.where(has[owners], 0.8, 0.02 * shares)).astype(float)
    values[random.random(values.shape) < 0.1] = np.nan
    return owners.tolist(), values


@pytest.mark.parametrize(("number", "seed"), [(500, 0), (600, 2), (1000, 2), (3000, 1)])
def test_labels_are_as_common_in_each_split(number: int, seed: int) -> None:
    """Each label of 200 or more patients differs by less than 2 points; the sizes are as requested."""
    owners, labels = population(number, seed)
    found = split(table_of(owners), labels)
    present = labels >= 0.5
    frequent = [
        label for label in range(labels.shape[1]) if len(set(np.array(owners)[present[:, label]])) >= 200
    ]
    assert frequent
    for index, share in enumerate(SHARES.values()):
        part = found.splits == index
        assert share == pytest.approx(part.mean(), abs=0.02)
        differences = present[part].mean(axis=0) - present.mean(axis=0)
        assert np.abs(differences[frequent]).max() < 0.02


def test_the_order_of_arrival_changes_nothing() -> None:
    """Patients in another order get the same splits; another seed gives other splits."""
    owners, labels = population(200, 5)
    table = table_of(owners)
    expected = patients_of(table, split(table, labels))
    order = np.random.default_rng(1).permutation(len(owners))
    shuffled = table.take(pa.array(order))
    assert expected == patients_of(shuffled, split(shuffled, labels[order]))
    assert expected != patients_of(table, split(table, labels, key="set 1"))


def test_new_patients_move_no_earlier_patient() -> None:
    """With 20 % more patients all earlier ones stay, and the splits are still stratified."""
    owners, labels = population(1200, 3)
    first = np.array(owners) < 1000
    table = table_of(owners)
    before = table.filter(pa.array(first))
    old = patients_of(before, split(before, labels[first]))
    found = split(table, labels, assigned={name: AssignedSplit(part, 1) for name, part in old.items()})
    new = patients_of(table, found)
    assert old == {name: new[name] for name in old}
    present = labels >= 0.5
    for index, share in enumerate(SHARES.values()):
        part = found.splits == index
        assert share == pytest.approx(part.mean(), abs=0.02)
        assert np.abs(present[part].mean(axis=0) - present.mean(axis=0)).max() < 0.02


def test_patients_who_share_pictures_stay_together() -> None:
    """Chains of equal files and near hashes stay in one split, even in a large group."""
    random = np.random.default_rng(0)
    hashes = [row.tobytes().hex() for row in random_hashes(400)]
    patients, digests = list(range(400)), [f"{index}" for index in range(400)]
    for index in range(0, 60, 2):
        digests[index + 1] = digests[index]  # pairs
        hashes[index + 2] = (
            flipped(np.frombuffer(bytes.fromhex(hashes[index + 1]), np.uint8), 12).tobytes().hex()
        )
    table = table_of(patients, sha256=digests, hashes=hashes)
    found = split(table, random.random((400, 3)).round())
    assert 1 == len(set(found.splits[:61].tolist()))
    assert 61 == found.joined_patients
    assert not found.left_out.any()


def test_pictures_without_a_hash_connect_no_patients() -> None:
    """Nearly uniform pictures don't count as duplicates of each other."""
    table = table_of(list(range(100)))
    assert 0 == split(table).joined_patients


def test_earlier_patients_with_a_shared_picture() -> None:
    """Both patients keep their splits, and only the later one of the equal pictures is left out."""
    shared = random_hashes(1)[0].tobytes().hex()
    own = [row.tobytes().hex() for row in random_hashes(4, seed=9)]
    table = table_of([1, 1, 2, 2, 3], hashes=[own[0], shared, own[1], shared, shared])
    assigned = {"P1": AssignedSplit("test", 2), "P2": AssignedSplit("train", 1)}
    found = split(table, assigned=assigned)
    # Patient 2 came first. Patient 3 is new and follows patient 2.
    assert {"P1": "test", "P2": "train", "P3": "train"} == patients_of(table, found)
    assert [False, True, False, False, False] == found.left_out.tolist()


def test_a_new_patient_follows_an_earlier_one() -> None:
    """A new patient who shares a picture with an earlier patient gets that patient's split."""
    hashes = [random_hashes(1)[0].tobytes().hex()] * 2
    for name in NAMES:
        table = table_of([1, 2], hashes=hashes)
        found = split(table, assigned={"P1": AssignedSplit(name, 1)})
        assert {"P1": name, "P2": name} == patients_of(table, found)


def test_the_later_image_of_each_two_is_left_out() -> None:
    """The images that are left out are those of a comparison of each image with each, in every cluster."""
    random = np.random.default_rng(0)
    number = 400
    hashes = np.stack(
        [flipped(row, index % 30) for index, row in enumerate(np.repeat(random_hashes(20), 20, 0))]
    )
    hashes[50:80] = hashes[50]
    files = random.integers(0, 300, number).astype(str)
    splits, rank, has_hash = random.integers(0, 3, number), random.permutation(number), np.ones(number, bool)
    has_hash[::17] = False
    found = images_to_leave_out(Pictures(np.arange(number), files, hashes, has_hash), splits, rank)
    bits = np.bitwise_count(hashes[:, None] ^ hashes[None]).sum(axis=2, dtype=int)
    alike = (bits <= 24) & has_hash[:, None] & has_hash[None]
    expected, split_of_file = np.zeros(number, bool), dict[str, int]()
    for image in np.argsort(rank).tolist():
        earlier = (rank < rank[image]) & ~expected & (splits != splits[image])
        if split_of_file.get(files[image], splits[image]) != splits[image] or (alike[image] & earlier).any():
            expected[image] = True
        else:
            split_of_file[files[image]] = splits[image]
    assert expected.tolist() == found.tolist()
    assert 100 < expected.sum() < 300


def test_pictures_without_any_hash_leave_out_equal_files_only() -> None:
    """A set of nearly uniform pictures has no hash at all."""
    pictures = Pictures(
        np.arange(3), np.array(["a", "a", "b"]), np.zeros((3, 32), np.uint8), np.zeros(3, bool)
    )
    assert [False, True, False] == images_to_leave_out(pictures, np.array([0, 1, 1]), np.arange(3)).tolist()
