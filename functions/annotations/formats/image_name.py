"""Reads the names in a label file: of an image, or of a complete instance, series or study."""

import re
from base64 import urlsafe_b64decode
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from common.store.object_key import LABELLING
from functions.annotations.formats.refused_row import RowError

MAX_CHARACTERS = 2048
IMAGE, FILE, INSTANCE, SERIES, STUDY = "image", "file", "instance", "series", "study"
LEVELS = (IMAGE, INSTANCE, SERIES, STUDY)
# PS3.5 9.1: numbers and dots; pseudonymous UIDs begin with 2.25.
_UID = r"[0-9]{1,64}(?:\.[0-9]{1,64})+"
_IS_UID = re.compile(_UID)
_PICTURE = re.compile(rf"(?:(?P<folders>.*)/)?(?P<uid>{_UID})(?:[/_-](?P<frame>[0-9]{{1,6}})(?:\.png)?)?")
_FILE = re.compile(r"([0-9]{1,6})\.png")
_COPY = re.compile(rf"{LABELLING}/[^/]+/images/")  # copies for annotators: the image's key follows


class ImageName(NamedTuple):
    """The image, instance, series or study that a label is about."""

    level: str  # image, instance, series or study; file: only the name of a file is known
    uid: str  # the pseudonymous UID at this level; empty for the name of a file
    frame: int | None = None  # None: the only frame of the instance
    path: str | None = None  # the name with its folders, if it had any


def image_name(name: str, level: str = IMAGE, frame: str = "") -> ImageName:
    """Read the name of an image (or instance, series, study); RowError if it is not one.

    A name is an s3 or http URL of a store, a key or the end of one, a file name, or a UID with or
    without its frame. Only the path of a URL is used, because a signature in it is a credential.
    """
    if not name:
        raise RowError("The image is empty.")
    if len(name) > MAX_CHARACTERS:
        raise RowError(f"The image is over {MAX_CHARACTERS} characters.")
    path = _path(name)
    if not path.isprintable():
        raise RowError("The image has characters that can't be printed.")
    if ".." in path.split("/"):
        raise RowError("The image's name leaves its folder.")
    if level not in LEVELS:
        raise RowError(f"level is not one of {', '.join(LEVELS)}.")
    return _image(path, frame) if level == IMAGE else _group(path, level)


def _path(name: str) -> str:
    """The path in a URL, including its bucket; any other name unchanged."""
    if "fileuri=" in name:  # Label Studio's own URL of an object in a store
        name = _file_uri(name)
    if "://" in name:
        parts = _split(name)
        host = f"{parts.netloc}/" if parts.scheme == "s3" else ""
        name = host + (parts.path if parts.scheme == "s3" else unquote(parts.path)).lstrip("/")
    return _COPY.sub("", name.replace("\\", "/").strip("/ "), count=1)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise RowError("The image's URL can't be read.") from None


def _file_uri(url: str) -> str:
    try:
        (encoded,) = parse_qs(_split(url).query)["fileuri"]
        return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (KeyError, ValueError):
        raise RowError("The image's fileuri can't be read.") from None


def _image(path: str, frame: str) -> ImageName:
    found = _PICTURE.fullmatch(path)
    number = _frame(frame)
    if found:
        named = int(found["frame"]) if found["frame"] else None
        if number is not None and named is not None and number != named:
            raise RowError("The frame is not the one in the image's name.")
        if found["folders"] and not path.endswith(".png"):
            raise RowError("The image's name has folders, but does not end in <frame>.png.")
        folders = path if found["folders"] else None
        return ImageName(IMAGE, found["uid"], number if named is None else named, folders)
    bare = _FILE.fullmatch(path)
    if bare:
        return ImageName(FILE, "", int(bare[1]), path)
    raise RowError("The image's name has no SOP Instance UID, so it is not a name of an image in this store.")


def _frame(frame: str) -> int | None:
    if not frame:
        return None
    if not re.fullmatch("[0-9]{1,6}", frame):
        raise RowError("frame is not a number.")
    return int(frame)


def _group(path: str, level: str) -> ImageName:
    """The UID at the end of a name, which may have the folders of a key before it."""
    uid = path.rpartition("/")[2]
    if not _IS_UID.fullmatch(uid):
        raise RowError(f"The name of the {level} is not a UID.")
    return ImageName(level, uid)
