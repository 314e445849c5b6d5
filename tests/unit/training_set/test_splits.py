"""Splits keep patients and duplicates together, are stratified and stable; all duplicates are found."""

import numpy as np
import pyarrow as pa
import pytest

from common.errors import PermanentError
from tests.support.hash_sets import flipped, random_hashes
from training_set.splits.patient_folds import FoldRules, fold_images
from training_set.splits.patient_groups import Pictures, images_to_leave_out
from training_set.splits.patient_splits import AssignedSplit, Closed, ImageSplits, SplitRules, split_images

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
    return split_images(
        table, values, SplitRules(**{"assigned": {}, "shares": SHARES, "key": "set 0", **options})
    )


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


def closed_test(is_in: list[bool]) -> Closed:
    return Closed("test", np.array(is_in))


def test_a_closed_split_gets_nobody() -> None:
    """New patients go to the other splits, and new pictures of the closed split's patients are outside."""
    patients = [1, 1, 2, *range(3, 60)]
    assigned = {
        "P1": AssignedSplit("test", 1),
        "P2": AssignedSplit("train", 1),
        "P3": AssignedSplit("test", 1),
    }
    found = split(table_of(patients), assigned=assigned, closed=closed_test([True, *[False] * 59]))
    names = patients_of(table_of(patients), found)
    assert {"P1", "P3"} == {patient for patient, name in names.items() if name == "test"}
    # One picture of patient 1, and patient 3, who is not in the fixed version, are outside.
    assert [1, 3] == np.flatnonzero(found.outside).tolist()
    assert 5 <= sum(name == "validation" for name in names.values()) <= 8


def test_a_picture_shared_with_a_closed_split_is_left_out() -> None:
    """A new patient who shares a picture of the closed split is elsewhere, without that picture."""
    shared = random_hashes(1)[0].tobytes().hex()
    own = [row.tobytes().hex() for row in random_hashes(3, seed=9)]
    table = table_of([1, 2, 2, 3], hashes=[shared, shared, own[0], own[1]])
    assigned = {"P1": AssignedSplit("test", 2), "P3": AssignedSplit("train", 1)}
    found = split(table, assigned=assigned, closed=closed_test([True, False, False, False]))
    assert "test" != patients_of(table, found)["P2"]
    assert ([1], []) == (np.flatnonzero(found.left_out).tolist(), np.flatnonzero(found.outside).tolist())


def test_an_older_patient_does_not_displace_a_closed_picture() -> None:
    """A new picture of an earlier train patient is left out, not the picture of the closed split."""
    shared = random_hashes(1)[0].tobytes().hex()
    table = table_of([1, 2], hashes=[shared, shared])
    assigned = {"P1": AssignedSplit("train", 1), "P2": AssignedSplit("test", 2)}
    found = split(table, assigned=assigned, closed=closed_test([False, True]))
    assert [True, False] == found.left_out.tolist()


def test_a_closed_split_alone_takes_no_new_patient() -> None:
    """Without another split, new patients are refused."""
    with pytest.raises(PermanentError, match="another split"):
        split(
            table_of([1, 2]),
            assigned={"P1": AssignedSplit("test", 1)},
            shares={"test": 1.0},
            closed=closed_test([True, False]),
        )


def test_devices_stay_together() -> None:
    """Patients of a device are in one split, and a patient of two devices joins both."""
    patients = [*range(40), 0]
    devices = np.array([*(patient // 4 for patient in range(40)), 9])
    found = split(table_of(patients), together=devices)
    pairs = {*zip(devices.tolist(), found.splits.tolist(), strict=True)}
    assert 10 == len(pairs)
    assert found.splits[0] == found.splits[36]
    assert 1 < len(set(found.splits.tolist()))
    old = {f"P{patient}": AssignedSplit(name, 1) for patient, name in ((0, "train"), (1, "test"))}
    with pytest.raises(PermanentError, match="one group"):
        split(table_of(patients), together=np.zeros(41, int))
    with pytest.raises(PermanentError, match="2 device"):
        split(table_of(patients), together=devices, assigned=old)


def folds_of(table: pa.Table, found: ImageSplits, labels: np.ndarray, **options):
    is_test = found.splits == NAMES.index("test")
    default = {"folds": 5, "is_test": is_test, "assigned": {}, "key": "set 0 folds"}
    return fold_images(found, labels, table["image_id"].to_numpy(), FoldRules(**{**default, **options}))


def test_folds_are_stratified_and_stable() -> None:
    """Folds hold whole patients, are alike in labels, and keep their patients when others come."""
    owners, labels = population(1200, 3)
    table = table_of(owners)
    found = split(table, labels)
    folds, left_out = folds_of(table, found, labels)
    is_test = found.splits == NAMES.index("test")
    assert not left_out.any()
    assert {0} == set(folds[is_test].tolist())
    assert {1, 2, 3, 4, 5} == set(folds[~is_test].tolist())
    by_patient = dict(zip(table["patient_id"].to_pylist(), folds.tolist(), strict=True))
    assert len(by_patient) == len({*zip(owners, folds.tolist(), strict=True)})
    present = labels >= 0.5
    for fold in range(1, 6):
        assert 0.2 == pytest.approx((folds == fold).sum() / (~is_test).sum(), abs=0.02)
        assert np.abs(present[folds == fold].mean(axis=0) - present[~is_test].mean(axis=0)).max() < 0.02
    first = {name: fold for name, fold in by_patient.items() if fold and int(name[1:]) < 1000}
    again, _ = folds_of(table, found, labels, assigned=first, key="another")
    later = dict(zip(table["patient_id"].to_pylist(), again.tolist(), strict=True))
    assert first == {name: later[name] for name in first}
    assert by_patient != later


def test_duplicates_are_in_one_fold() -> None:
    """Patients who share a picture are in one fold; those of two earlier folds keep theirs."""
    shared = random_hashes(1)[0].tobytes().hex()
    hashes = [row.tobytes().hex() for row in random_hashes(40, seed=2)]
    hashes[0] = hashes[1] = shared
    table, labels = table_of(list(range(40)), hashes=hashes), np.zeros((40, 0))
    found = split(table, shares={"train": 1.0})
    none = np.zeros(40, bool)
    folds, left_out = folds_of(table, found, labels, is_test=none)
    assert folds[0] == folds[1]
    assert not left_out.any()
    folds, left_out = folds_of(table, found, labels, is_test=none, assigned={"P0": 1, "P1": 2})
    assert ([1, 2], [1]) == (folds[:2].tolist(), np.flatnonzero(left_out).tolist())


def test_too_few_patients_for_the_folds() -> None:
    """Fewer groups than folds are refused with both numbers."""
    table = table_of([1, 2, 3])
    found = split(table, shares={"train": 1.0})
    with pytest.raises(PermanentError, match=r"5 folds need as many groups .* there are 3"):
        folds_of(table, found, np.zeros((3, 0)), is_test=np.zeros(3, bool))
