"""Collect the real pictures that the quality model learns from, one source per patient."""

import hashlib
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut  # type: ignore[attr-defined]

from common.errors import PermanentError
from imaging.frames.image_file import ImageFile, read_image_file
from imaging.frames.stored_value import stored_value
from imaging.options import Limits
from imaging.rendering.picture_recipe import PictureRecipe
from model.features.picture_views import Picture
from model.training.sources.packages import PACKAGES
from model.training.sources.recipes import HELD_OUT, RECIPES, Recipe
from model.training.sources.volumes import SUFFIXES, apply_window, slices

_SMALLEST_SIDE = 64
_NEARLY_CONSTANT = 5.0  # grey levels, standard deviation
_TILES_TAKEN = 6


@dataclass(frozen=True)
class Source:
    """One patient's pictures. Evaluation holds out complete sources."""

    name: str
    package: str
    licence: str
    files: tuple[str, ...]
    pictures: tuple[Picture, ...] = field(repr=False)
    """uint8 arrays (rows, columns) or (rows, columns, 3), each different from the others."""
    modality: str = ""
    """DICOM modality code, empty if it isn't known."""
    bad_pictures: tuple[Picture, ...] = field(default=(), repr=False)
    """Pictures that were bad in practice. Only a site has such pictures, the packages have none."""
    weight: float = 1.0
    """How much the source counts in training; a source from the packages counts 1."""
    held_out: bool = False
    """Used only in the final evaluation; the model doesn't learn from it."""

    @property
    def digest(self) -> str:
        """SHA-256 over the pictures' bytes, which identifies the data."""
        every = (*self.pictures, *self.bad_pictures)
        return hashlib.sha256(b"".join(picture.tobytes() for picture in every)).hexdigest()


def build_corpus(recipes: Sequence[Recipe] = RECIPES) -> list[Source]:
    """Render every recipe and combine recipes with the same name, in the recipes' order.

    Files that can't be decoded, tiny pictures and nearly constant pictures are skipped. A source without
    any picture is left out.

    Raises
    ------
    ModuleNotFoundError
        If a required package isn't installed.
    RuntimeError
        If a package can't be downloaded.
    """
    names = dict.fromkeys(recipe.name for recipe in recipes)
    sources = (_source([recipe for recipe in recipes if recipe.name == name]) for name in names)
    return [source for source in sources if source.pictures]


def _source(recipes: list[Recipe]) -> Source:
    pictures = {
        (picture.shape, picture.tobytes()): picture for recipe in recipes for picture in _pictures(recipe)
    }
    packages = [PACKAGES[recipe.package] for recipe in recipes]
    licences = [recipe.licence or package.licence for recipe, package in zip(recipes, packages, strict=True)]
    return Source(
        recipes[0].name,
        ", ".join(dict.fromkeys(package.pinned for package in packages)),
        "; ".join(dict.fromkeys(licences)),
        tuple(file for recipe in recipes for file in recipe.files),
        tuple(pictures.values()),
        recipes[0].modality,
        held_out=recipes[0].name in HELD_OUT,
    )


def _pictures(recipe: Recipe) -> Iterator[Picture]:
    for file in recipe.files:
        path = PACKAGES[recipe.package].path(file)
        try:
            rendered = list(_rendered(path, recipe))
        except PermanentError:
            continue
        yield from (picture for picture in rendered if _is_usable(picture))


def _rendered(path: Path, recipe: Recipe) -> Iterator[Picture]:
    if path.name.endswith(SUFFIXES):
        for plane in slices(path, recipe.frames):
            yield from (apply_window(plane, window) for window in recipe.windows or (None,))
    elif path.suffix in {".png", ".jpg"}:
        yield picture_of_image(path)
    else:
        for picture in _renderings(read_image_file(path, Limits()), recipe):
            yield from [picture] if recipe.tiles is None else _tiles(picture, *recipe.tiles)


def picture_of_image(path: Path) -> Picture:
    """Read a PNG or JPEG file as uint8, (rows, columns) or (rows, columns, 3)."""
    with Image.open(path) as image:
        return np.asarray(image if image.mode in {"L", "RGB"} else image.convert("RGB"))


def picture_of_dicom(path: Path) -> Picture:
    """Render the first frame of a DICOM file as the pipeline does."""
    image = read_image_file(path, Limits())
    return _drawn(next(image.frames()), image.ds, 0)


def _tiles(picture: Picture, rows: int, columns: int) -> list[Picture]:
    """Return some tiles of a mosaic, spread over its middle."""
    height, width = picture.shape[0] // rows, picture.shape[1] // columns
    chosen = np.linspace(0.25, 0.75, _TILES_TAKEN) * rows * columns
    positions = (divmod(int(index), columns) for index in chosen)
    return [
        picture[row * height : (row + 1) * height, column * width : (column + 1) * width].copy()
        for row, column in positions
    ]


def _renderings(image: ImageFile, recipe: Recipe) -> Iterator[Picture]:
    """Render each chosen frame as the pipeline does, and in the recipe's other windows."""
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
    """Yield a window over 99 % of the values for grey pictures without a fixed unit."""
    if frame.ndim == 3 or recipe.windows or image.ds.BitsStored <= 8 or "VOILUTSequence" in image.ds:
        return
    low, high = np.percentile(apply_modality_lut(stored_value(image.ds).values(frame), image.ds), (0.5, 99.5))
    if high - low > 16:
        yield float(low + high) / 2, float(high - low)


def _is_usable(picture: Picture) -> bool:
    return min(picture.shape[:2]) >= _SMALLEST_SIDE and float(picture.std()) >= _NEARLY_CONSTANT
