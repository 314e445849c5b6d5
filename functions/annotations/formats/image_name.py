"""How a label file names what is labelled: an image, or a whole instance, series or study."""

import re
from base64 import urlsafe_b64decode
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from common.store.object_key import LABELLING
from functions.annotations.formats.refused_row import RowError

MAX_CHARACTERS = 2048
IMAGE, FILE, INSTANCE, SERIES, STUDY = "image", "file", "instance", "series", "study"
LEVELS = (IMAGE, INSTANCE, SERIES, STUDY)
# PS3.5 9.1: numbers and dots; ours begin with 2.25.
_UID = r"[0-9]{1,64}(?:\.[0-9]{1,64})+"
_IS_UID = re.compile(_UID)
_PICTURE = re.compile(rf"(?:(?P<folders>.*)/)?(?P<uid>{_UID})(?:[/_-](?P<frame>[0-9]{{1,6}})(?:\.png)?)?")
_FILE = re.compile(r"([0-9]{1,6})\.png")
_COPY = re.compile(rf"{LABELLING}/[^/]+/images/")  # what annotators were given has the image's key below it


class ImageName(NamedTuple):
    """What a label is about."""

    level: str  # image, or instance, series, study; file: a bare file name
    uid: str  # the pseudonymous UID of that level; empty for a bare file name
    frame: int | None = None  # None: the only frame there is
    path: str | None = None  # folders and all, where they were told

    @property
    def told(self) -> str:
        """The name without server, query and bucket."""
        frame = "" if self.frame is None else f"/{self.frame}"
        return self.path or f"{self.uid}{frame}"


def image_name(told: str, level: str = IMAGE, frame: str = "") -> ImageName:
    """The image (or instance, series, study) that a name means; RowError if it can mean none.

    An s3 or http URL of a store, a key or the end of one, a file name, or a UID with or without
    its frame. What a URL says beyond its path is dropped: a signature is a credential.
    """
    if not told:
        raise RowError("The image is empty.")
    if len(told) > MAX_CHARACTERS:
        raise RowError(f"The image is over {MAX_CHARACTERS} characters.")
    path = _path(told)
    if not path.isprintable():
        raise RowError("The image holds characters that can't be shown.")
    if ".." in path.split("/"):
        raise RowError("The image's name leaves its folder.")
    if level not in LEVELS:
        raise RowError(f"level is none of {', '.join(LEVELS)}.")
    return _image(path, frame) if level == IMAGE else _group(path, level)


def _path(told: str) -> str:
    """The path in a URL, its bucket included; any other name as it is."""
    if "fileuri=" in told:  # Label Studio's own address of an object in a store
        told = _file_uri(told)
    if "://" in told:
        parts = _split(told)
        host = f"{parts.netloc}/" if parts.scheme == "s3" else ""
        told = host + (parts.path if parts.scheme == "s3" else unquote(parts.path)).lstrip("/")
    return _COPY.sub("", told.replace("\\", "/").strip("/ "), count=1)


def _split(told: str) -> SplitResult:
    try:
        return urlsplit(told)
    except ValueError:
        raise RowError("The image's URL can't be read.") from None


def _file_uri(told: str) -> str:
    try:
        (encoded,) = parse_qs(_split(told).query)["fileuri"]
        return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (KeyError, ValueError):
        raise RowError("The image's fileuri can't be read.") from None


def _image(path: str, frame: str) -> ImageName:
    found = _PICTURE.fullmatch(path)
    number = _frame(frame)
    if found:
        named = int(found["frame"]) if found["frame"] else None
        if number is not None and named is not None and number != named:
            raise RowError("The frame is another than the image's name says.")
        if found["folders"] and not path.endswith(".png"):
            raise RowError("The image's name has folders, but ends in no <frame>.png.")
        folders = path if found["folders"] else None
        return ImageName(IMAGE, found["uid"], number if named is None else named, folders)
    bare = _FILE.fullmatch(path)
    if bare:
        return ImageName(FILE, "", int(bare[1]), path)
    raise RowError("The image's name is none of this store: there is no SOP Instance UID in it.")


def _frame(frame: str) -> int | None:
    if not frame:
        return None
    if not re.fullmatch("[0-9]{1,6}", frame):
        raise RowError("frame is no number.")
    return int(frame)


def _group(path: str, level: str) -> ImageName:
    """The last UID in a name that may have the folders of a key before it."""
    uid = path.rpartition("/")[2]
    if not _IS_UID.fullmatch(uid):
        raise RowError(f"The name of the {level} is no UID.")
    return ImageName(level, uid)
