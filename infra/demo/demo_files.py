"""The NAS of the demonstration: real files from the packages pydicom and pydicom-data, and junk."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

# Real files by NAS folder: several modalities, one and many frames, uncompressed and compressed,
# some that are held for possible burned-in text, some without an image.
_FOLDERS = {
    "CT Müller 2024-03": ["CT_small.dcm", "693_UNCI.dcm", "eCT_Supplemental.dcm", "explicit_VR-UN.dcm"],
    "MR knee": ["MR2_UNCR.dcm", "MR2_J2KI.dcm", "MR_small.dcm", "emri_small_RLE.dcm"],
    "CR thorax/first": ["RG1_UNCR.dcm", "RG1_J2KI.dcm"],
    "CR thorax/second": ["RG3_UNCR.dcm", "RG3_J2KR.dcm"],
    "US + doppler": ["examples_rgb_color.dcm", "examples_palette.dcm"],
    "RT plan": ["rtplan.dcm", "liver_1frame.dcm", "reportsi.dcm"],
}


def create_nas_folders(root: Path) -> int:
    """Create the folders; returns the number of files in them."""
    for folder, names in _FOLDERS.items():
        target = root / folder
        target.mkdir(parents=True)
        for name in names:
            shutil.copyfile(_package_file(name), target / name)
    _add_junk(root / "CT Müller 2024-03")
    _add_bad_images(root / "MR knee")
    return sum(path.is_file() for path in root.rglob("*"))


def _add_junk(folder: Path) -> None:
    """Add what else is found in folders of a hospital NAS: a text, an empty and a truncated file, a copy."""
    (folder / "read me.txt").write_text("Sent by courier.\n", encoding="utf-8")
    (folder / "empty.dcm").touch()
    complete = Path(_package_file("693_UNCR.dcm")).read_bytes()
    (folder / "truncated.dcm").write_bytes(complete[: len(complete) // 2])
    shutil.copyfile(_package_file("CT_small.dcm"), folder / "CT_small copy.dcm")
    (folder / "@eaDir").mkdir()
    (folder / "@eaDir" / "CT_small.dcm@SynoEAStream").write_bytes(b"synology")


def _add_bad_images(folder: Path) -> None:
    """Add two copies of a real image with new SOP Instance UIDs: one is black, the other full of noise."""
    ds = pydicom.dcmread(_package_file("693_UNCI.dcm"))
    pixels = ds.pixel_array
    noise = np.random.default_rng(0).normal(0, 3000, pixels.shape)
    spoiled = {"black": np.full_like(pixels, pixels.min()), "noisy": pixels + noise.astype(pixels.dtype)}
    for name, values in spoiled.items():
        ds.SOPInstanceUID = generate_uid(entropy_srcs=[name])
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.PixelData = values.astype(pixels.dtype).tobytes()
        ds.save_as(folder / f"{name}.dcm")


def _package_file(name: str) -> str:
    path = get_testdata_file(name, download=False)
    if not isinstance(path, str):
        raise FileNotFoundError(f"{name} is in neither pydicom nor pydicom-data; run make setup.")
    return path
