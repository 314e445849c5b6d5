"""The real pictures the quality model learns from: DICOM files inside two Python packages."""

import hashlib
import importlib.util
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut  # type: ignore[attr-defined]

from common.dicom.image_checks import Limits
from common.dicom.image_file import ImageFile, read_image_file
from common.dicom.picture import PictureRecipe
from common.dicom.stored_value import stored_value
from common.errors import PermanentError
from model.picture_views import Picture

_FOLDERS = {"pydicom": ("pydicom", "data/test_files"), "pydicom-data": ("data_store", "data")}
# Both packages' LICENSE files say so; the data sets the pictures came from aren't all named in them.
_LICENCE = "MIT, as the package declares"
_SMALLEST_SIDE = 64
_NEARLY_CONSTANT = 5.0  # grey levels, standard deviation
_BONE, _SOFT = (300.0, 1500.0), (40.0, 400.0)  # Hounsfield units: centre, width


@dataclass(frozen=True)
class Recipe:
    """One patient's files; several encodings of one image are all named, equal pixels count once."""

    name: str
    package: str
    files: tuple[str, ...]
    windows: tuple[tuple[float, float], ...] = ()
    """Other usual windows of this examination: centre and width, in modality units."""
    frames: int = 1
    """How many frames to take, spread over the file."""


# Left out although they decode: test patterns (SC_*, mlut_18, vlut_04, GDCMJ2K_TextGBR), a
# segmentation (liver), a dose grid (rtdose), 693_J2KI and 693_UNCI, which lossy coding has spoiled,
# and pictures under 64 pixels a side.
RECIPES = (
    Recipe("CT spine", "pydicom", ("CT_small.dcm",), (_SOFT, _BONE)),
    Recipe("MR shoulder, 64 x 64", "pydicom", ("MR_small.dcm",)),
    Recipe("NM whole body", "pydicom", ("JPEG2000.dcm",)),
    Recipe("US lymph node", "pydicom", ("examples_jpeg2k.dcm", "examples_rgb_color.dcm")),
    Recipe("MR abdomen", "pydicom", ("examples_overlay.dcm",)),
    Recipe("US obstetric", "pydicom", ("examples_palette.dcm",)),
    Recipe("US heart, colour", "pydicom", ("examples_ybr_color.dcm",), frames=3),
    Recipe("NM whole body", "pydicom-data", ("JPEG-LL.dcm", "JPEG2000_UNC.dcm")),
    Recipe("MR abdomen", "pydicom-data", ("MR-SIEMENS-DICOM-WithOverlays.dcm",)),
    Recipe("US lymph node", "pydicom-data", ("US1_UNCR.dcm", "US1_UNCI.dcm")),
    Recipe("US obstetric", "pydicom-data", ("OBXXXX1A.dcm",)),
    Recipe("US heart, colour", "pydicom-data", ("color3d_jpeg_baseline.dcm",), frames=3),
    Recipe("CT head", "pydicom-data", ("693_UNCR.dcm", "693_J2KR.dcm"), (_SOFT, _BONE)),
    Recipe("MR shoulder", "pydicom-data", ("MR2_UNCR.dcm", "MR2_UNCI.dcm")),
    Recipe("CR chest", "pydicom-data", ("RG1_UNCR.dcm", "RG1_UNCI.dcm")),
    Recipe("CR leg", "pydicom-data", ("RG3_UNCR.dcm", "RG3_UNCI.dcm")),
    Recipe("US heart", "pydicom-data", ("JPGLosslessP14SV1_1s_1f_8b.dcm",)),
    Recipe("CT spine, 512 x 512", "pydicom-data", ("bad_sequence.dcm",), (_SOFT, _BONE)),
    Recipe("US heart through the oesophagus", "pydicom-data", ("color-pl.dcm", "color-px.dcm")),
    Recipe("CT perfusion of the head", "pydicom-data", ("eCT_Supplemental.dcm",), frames=2),
    Recipe("MR enhanced, 64 x 64", "pydicom-data", ("emri_small.dcm",), frames=3),
    Recipe("CT abdomen", "pydicom-data", ("explicit_VR-UN.dcm",), (_SOFT, _BONE)),
    Recipe("US abdomen", "pydicom-data", ("gdcm-US-ALOKA-16.dcm",)),
)


@dataclass(frozen=True)
class Source:
    """One patient's clean pictures; the unit that is held out in evaluation."""

    name: str
    package: str
    licence: str
    files: tuple[str, ...]
    pictures: tuple[Picture, ...] = field(repr=False)
    """uint8 arrays (rows, columns) or (rows, columns, 3), each different from the others."""

    @property
    def digest(self) -> str:
        """SHA-256 over the pictures' bytes, to know the same data again."""
        return hashlib.sha256(b"".join(picture.tobytes() for picture in self.pictures)).hexdigest()


def build_corpus(recipes: tuple[Recipe, ...] = RECIPES) -> list[Source]:
    """Render every recipe and join those of one name, in the recipes' order.

    A file that can't be decoded here, a tiny or a nearly constant picture is left out, and so
    is a source without any picture. Raises ModuleNotFoundError if a package isn't installed.
    """
    names = dict.fromkeys(recipe.name for recipe in recipes)
    sources = (_source([recipe for recipe in recipes if recipe.name == name]) for name in names)
    return [source for source in sources if source.pictures]


def _source(recipes: list[Recipe]) -> Source:
    pictures = {
        (picture.shape, picture.tobytes()): picture for recipe in recipes for picture in _pictures(recipe)
    }
    packages = dict.fromkeys(recipe.package for recipe in recipes)
    return Source(
        recipes[0].name,
        ", ".join(f"{package} {version(package)}" for package in packages),
        _LICENCE,
        tuple(file for recipe in recipes for file in recipe.files),
        tuple(pictures.values()),
    )


def _pictures(recipe: Recipe) -> Iterator[Picture]:
    for file in recipe.files:
        try:
            image = read_image_file(_folder(recipe.package) / file, Limits())
            rendered = list(_renderings(image, recipe))
        except PermanentError:
            continue
        yield from (picture for picture in rendered if _is_usable(picture))


def _folder(package: str) -> Path:
    module, inside = _FOLDERS[package]
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"Training needs the package {package}; install dcm2set[train].")
    return Path(spec.origin).parent / inside


def _renderings(image: ImageFile, recipe: Recipe) -> Iterator[Picture]:
    """Each chosen frame as the pipeline renders it, and in the examination's other windows."""
    step = max(1, image.number_of_frames // recipe.frames)
    for index, frame in islice(enumerate(image.frames()), 0, step * recipe.frames, step):
        yield _drawn(frame, image.ds, index)
        for window in (*recipe.windows, *_full_windows(frame, image, recipe)):
            ds = copy(image.ds)
            ds.WindowCenter, ds.WindowWidth = window
            yield _drawn(frame, ds, index)


def _drawn(frame: NDArray[Any], ds: Dataset, index: int) -> Picture:
    return cast("Picture", PictureRecipe(ds).draw(frame, index=index).picture)


def _full_windows(frame: NDArray[Any], image: ImageFile, recipe: Recipe) -> Iterator[tuple[float, float]]:
    """The window that holds all but 1 % of the values, for grey pictures of no fixed unit."""
    if frame.ndim == 3 or recipe.windows or image.ds.BitsStored <= 8 or "VOILUTSequence" in image.ds:
        return
    low, high = np.percentile(apply_modality_lut(stored_value(image.ds).values(frame), image.ds), (0.5, 99.5))
    if high - low > 16:
        yield float(low + high) / 2, float(high - low)


def _is_usable(picture: Picture) -> bool:
    return min(picture.shape[:2]) >= _SMALLEST_SIDE and float(picture.std()) >= _NEARLY_CONSTANT
