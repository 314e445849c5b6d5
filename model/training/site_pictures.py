"""A site's own good and bad pictures, from two folders."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from common.errors import PermanentError
from model.features.picture_views import Picture
from model.training.corpus import Source, picture_of_dicom, picture_of_image

_IMAGES = {".png", ".jpg", ".jpeg"}
_DICOM = {".dcm", ".dicom", ".ima", ""}


def site_sources(good: Path | None, bad: Path | None, weight: float) -> list[Source]:
    """One source for each patient in the folders, by name; a patient may be in both.

    A patient is a folder directly inside the given one, with all files below it. For files that
    lie in the given folder itself it is the name up to the first `_` or `.`: `p17_1.png` and
    `p17_2.dcm` are of patient `p17`. Patients decide what is held out together in evaluation, so
    two names for one patient make its figures look better than they are.

    Parameters
    ----------
    good, bad : Path or None
        Folders of PNG, JPEG or DICOM files; of a DICOM file the first frame is taken.
    weight : float
        How much each of these sources counts in training.

    Raises
    ------
    ValueError
        If a folder isn't there or has no picture in it, or the weight isn't positive.
    """
    if not weight > 0:
        raise ValueError(f"The weight of a site's pictures is positive, not {weight:g}.")
    pictures = {kind: dict(_by_patient(folder)) for kind, folder in (("good", good), ("bad", bad)) if folder}
    names = sorted({name for patients in pictures.values() for name in patients})
    return [
        Source(
            f"site: {name}",
            "",
            "the site's own",
            (),
            tuple(pictures.get("good", {}).get(name, ())),
            bad_pictures=tuple(pictures.get("bad", {}).get(name, ())),
            weight=weight,
        )
        for name in names
    ]


def _by_patient(folder: Path) -> Iterator[tuple[str, list[Picture]]]:
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder.")
    patients = defaultdict(list)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        picture = _picture(path)
        if picture is not None:
            patients[_patient(path.relative_to(folder))].append(picture)
    if not patients:
        raise ValueError(f"{folder} has no readable PNG, JPEG or DICOM picture in it.")
    yield from patients.items()


def _patient(place: Path) -> str:
    return place.parts[0] if len(place.parts) > 1 else place.name.partition(".")[0].partition("_")[0]


def _picture(path: Path) -> Picture | None:
    """None if the file is none of the formats, or can't be read."""
    try:
        if path.suffix.lower() in _IMAGES:
            return picture_of_image(path)
        return picture_of_dicom(path) if path.suffix.lower() in _DICOM else None
    except (PermanentError, OSError, SyntaxError, ValueError):
        return None
