"""Read a site's own good and bad pictures from two folders."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common.errors import PermanentError
from model.features.picture_views import Picture
from model.training.sources.corpus import Source, picture_of_dicom, picture_of_image

_IMAGES = {".png", ".jpg", ".jpeg"}
_DICOM = {".dcm", ".dicom", ".ima", ""}


@dataclass(frozen=True)
class SitePictures:
    """A site's own pictures, which are added to the others."""

    good: Path | None = None
    """Folder of PNG, JPEG or DICOM files. Only the first frame of a DICOM file is used."""
    bad: Path | None = None
    """The same with pictures that were bad in practice."""
    weight: float = 1.0
    """How much one patient of the site counts in training, compared with one of the packages."""
    modality: str = ""
    """DICOM modality code of all these pictures. Without one they don't make a modality familiar."""


def site_sources(site: SitePictures) -> list[Source]:
    """Return one source per patient of the folders, sorted by name. A patient may be in both folders.

    Each direct subfolder is a patient, with all files below it. For a file in the folder itself the
    patient is the file name up to the first `_` or `.`: `p17_1.png` and `p17_2.dcm` belong to patient
    `p17`. Evaluation holds out all pictures of a patient together, so two names for one patient make
    the figures look better than they are.

    Raises
    ------
    ValueError
        If a folder doesn't exist or has no readable picture, or the weight isn't positive.
    """
    if not site.weight > 0:
        raise ValueError(f"The weight of a site's pictures must be positive, not {site.weight:g}.")
    pictures = {
        kind: dict(_by_patient(folder)) for kind, folder in (("good", site.good), ("bad", site.bad)) if folder
    }
    names = sorted({name for patients in pictures.values() for name in patients})
    return [
        Source(
            f"site: {name}",
            "",
            "the site's own",
            (),
            tuple(pictures.get("good", {}).get(name, ())),
            site.modality,
            bad_pictures=tuple(pictures.get("bad", {}).get(name, ())),
            weight=site.weight,
        )
        for name in names
    ]


def _by_patient(folder: Path) -> Iterator[tuple[str, list[Picture]]]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder.")
    patients = defaultdict(list)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        picture = _picture(path)
        if picture is not None:
            patients[_patient(path.relative_to(folder))].append(picture)
    if not patients:
        raise ValueError(f"{folder} has no readable PNG, JPEG or DICOM picture.")
    yield from patients.items()


def _patient(path: Path) -> str:
    return path.parts[0] if len(path.parts) > 1 else path.name.partition(".")[0].partition("_")[0]


def _picture(path: Path) -> Picture | None:
    """Read a picture; None if the file has another format or can't be read."""
    try:
        if path.suffix.lower() in _IMAGES:
            return picture_of_image(path)
        return picture_of_dicom(path) if path.suffix.lower() in _DICOM else None
    except (PermanentError, OSError, SyntaxError, ValueError):
        return None
