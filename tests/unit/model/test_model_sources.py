"""Sources of training pictures: packages and volumes."""

import gzip
import hashlib
import io
import struct
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model.training.sources.packages import PACKAGES
from model.training.sources.source_packages import Kind, SourcePackage
from model.training.sources.volumes import apply_window, slices

VOLUME = np.arange(4 * 3 * 10, dtype=np.int16).reshape(4, 3, 10)


def nifti(order: str = "<", slope: float = 0.0) -> bytes:
    header = bytearray(352)
    struct.pack_into(f"{order}i", header, 0, 348)
    struct.pack_into(f"{order}8h", header, 40, 3, *VOLUME.shape, 1, 1, 1, 1)
    struct.pack_into(f"{order}h", header, 70, 4)
    struct.pack_into(f"{order}3f", header, 108, 352, slope, 5)
    return gzip.compress(bytes(header) + VOLUME.astype(f"{order}i2").tobytes(order="F"))


def nrrd() -> bytes:
    head = "NRRD0004\n# comment\ntype: short\ndimension: 3\nsizes: 4 3 10\nendian: little\nencoding: gzip\n\n"
    return head.encode() + gzip.compress(VOLUME.astype("<i2").tobytes(order="F"))


@pytest.mark.parametrize(
    ("name", "content"), [("a.nii.gz", nifti()), ("b.nii.gz", nifti(">")), ("a.nrrd", nrrd())]
)
def test_slices_of_a_volume_are_axial_and_upright(tmp_path: Path, name: str, content: bytes) -> None:
    """Slices are taken along the third axis from the middle of the volume, with the second axis upwards."""
    (tmp_path / name).write_bytes(content)
    first, last = slices(tmp_path / name, 2)
    np.testing.assert_array_equal(np.rot90(VOLUME[:, :, 3]), first)
    np.testing.assert_array_equal(np.rot90(VOLUME[:, :, 7]), last)


def test_a_scaled_volume_has_its_rescaled_values(tmp_path: Path) -> None:
    """The slope and intercept of the header are applied."""
    (tmp_path / "a.nii.gz").write_bytes(nifti(slope=2.0))
    (middle,) = slices(tmp_path / "a.nii.gz", 1)
    np.testing.assert_array_equal(np.rot90(VOLUME[:, :, 5]) * 2.0 + 5, middle)


def test_a_window_spans_black_to_white() -> None:
    """Values below the window are black, above it white; without one 99 % of the values span the greys."""
    np.testing.assert_array_equal([[0, 128, 255]], apply_window(np.array([[-500, 40, 900]]), (40.0, 400.0)))
    ramp = apply_window(np.arange(1000).reshape(20, 50), None)
    assert (0, 255) == (ramp.min(), ramp.max())


def archive(kind: Kind) -> bytes:
    buffer = io.BytesIO()
    if kind is Kind.WHEEL:
        with zipfile.ZipFile(buffer, "w") as wheel:
            wheel.writestr("inside/picture", b"pixels")
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
            member = tarfile.TarInfo("inside/picture")
            member.size = 6
            packed.addfile(member, io.BytesIO(b"pixels"))
    return buffer.getvalue()


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Replace the package clients; the list holds the names of downloaded packages."""
    names: list[str] = []

    def download(self: SourcePackage, folder: Path) -> Path:
        names.append(self.name)
        path = folder / ("a.whl" if self.kind is Kind.WHEEL else "a.tar.gz")
        path.write_bytes(archive(self.kind))
        return path

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(SourcePackage, "_download", download)
    return names


def package(kind: Kind) -> SourcePackage:
    return SourcePackage("pictures", "1.0", kind, "inside", "MIT", "0" * 64)


def test_a_package_is_downloaded_once(downloads: list[str]) -> None:
    """The second file comes from the cache."""
    wheel = package(Kind.WHEEL)
    content = archive(Kind.WHEEL)
    with_digest = replace(wheel, sha256=hashlib.sha256(content).hexdigest())
    for _ in range(2):
        assert b"pixels" == with_digest.path("picture").read_bytes()
    assert ["pictures"] == downloads


@pytest.mark.parametrize("kind", [Kind.WHEEL, Kind.SDIST, Kind.NPM])
def test_an_unexpected_archive_is_refused(kind: Kind, downloads: list[str], tmp_path: Path) -> None:
    """The digest is compared before anything is unpacked."""
    with pytest.raises(RuntimeError, match="isn't the expected file"):
        package(kind).path("picture")
    assert [] == [*(tmp_path / "dcm2set" / "pictures").iterdir()]


def test_a_missing_package_is_named() -> None:
    """The message says what to install."""
    with pytest.raises(ModuleNotFoundError, match=r"pictures; install dcm2set\[train\]"):
        replace(package(Kind.INSTALLED), folder="no_such_module/inside").path("picture")


def test_every_package_is_pinned_and_has_a_licence() -> None:
    """Every package has a version and a licence, and every downloaded one has a digest."""
    for each in PACKAGES.values():
        assert each.licence
        assert each.version
        assert each.kind is Kind.INSTALLED or len(each.sha256) == 64
