"""Reads the names in a label file: of an image, or of a complete instance, series or study."""

import re
from base64 import urlsafe_b64decode
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from common.store.object_key import LABELLING
from functions.annotations.formats.refused_row import RowError
from functions.annotations.names.pseudonym_form import is_pseudonymous_patient, is_pseudonymous_uid

MAX_CHARACTERS = 2048
IMAGE, FILE, INSTANCE, SERIES, STUDY = "image", "file", "instance", "series", "study"
LEVELS = (IMAGE, INSTANCE, SERIES, STUDY)
_UID = r"[0-9]{1,64}(?:\.[0-9]{1,64})+"  # PS3.5 9.1: numbers and dots
_PICTURE = re.compile(rf"(?:(?P<folders>.*)/)?(?P<uid>{_UID})(?:[/_-](?P<frame>[0-9]{{1,6}})(?:\.png)?)?")
_FILE = re.compile(r"([0-9]{1,6})\.png")
_KEY_FOLDERS = (is_pseudonymous_patient, is_pseudonymous_uid, is_pseudonymous_uid)  # patient, study, series
_COPY = re.compile(rf"{LABELLING}/[^/]+/images/")  # copies for annotators: the image's key follows
# Label Studio's own folders: of uploaded files, whose names get eight hex digits, and of files on its disk.
_UPLOADED = re.compile(r"(?:.*/)?data/upload/(?:[0-9]{1,9}/)?[0-9a-f]{8}-([^/]+)")
_LOCAL_FILES = re.compile(r"(?:.*/)?data/local-files/?\?")


class ImageName(NamedTuple):
    """The image, instance, series or study that a label is about."""

    level: str  # image, instance, series or study; file: only the name of a file is known
    uid: str  # the pseudonymous UID at this level; empty for the name of a file
    frame: int | None = None  # None: the only frame of the instance
    path: str | None = None  # the end of the image's key, if the name had folders


def image_name(name: str, level: str = IMAGE, frame: str = "") -> ImageName:
    """Read the name of an image (or instance, series, study); RowError if it is not one.

    A name is an s3 or http URL of a store, a key or the end of one, a file name, or a UID with or
    without its frame. Only the path of a URL is used, because a signature in it is a credential.
    Of the path, only pseudonyms are used: an original UID or another folder may identify a patient.
    """
    if not name:
        raise RowError("The image is empty.")
    if len(name) > MAX_CHARACTERS:
        raise RowError(f"The image is over {MAX_CHARACTERS} characters.")
    is_local = "data/local-files" in name and _LOCAL_FILES.match(name) is not None
    path = _local_file(name) if is_local else _path(name)
    if not path.isprintable():
        raise RowError("The image has characters that can't be printed.")
    if ".." in path.split("/"):
        raise RowError("The image's name leaves its folder.")
    if level not in LEVELS:
        raise RowError(f"level is not one of {', '.join(LEVELS)}.")
    path = _without_other_folders(path) if is_local else path
    return _image(path, frame) if level == IMAGE else _group(path, level)


def _path(name: str) -> str:
    """The path in a URL, including its bucket; any other name unchanged."""
    if "fileuri=" in name:  # Label Studio's own URL of an object in a store
        name = _file_uri(name)
    if "://" in name:
        parts = _split(name)
        host = f"{parts.netloc}/" if parts.scheme == "s3" else ""
        name = host + (parts.path if parts.scheme == "s3" else unquote(parts.path)).lstrip("/")
    name = name.replace("\\", "/").strip("/ ")
    uploaded = _UPLOADED.fullmatch(name) if "data/upload/" in name else None
    return unquote(uploaded[1]) if uploaded else _COPY.sub("", name, count=1)


def _local_file(url: str) -> str:
    """The path in Label Studio's URL of a file on its own disk."""
    try:
        (path,) = parse_qs(_split(url).query)["d"]
    except (KeyError, ValueError):
        raise RowError("The image's URL of a local file names no file.") from None
    return _COPY.sub("", path.replace("\\", "/").strip("/ "), count=1)


def _without_other_folders(path: str) -> str:
    """The end of a path, from the folders of a key on: a disk may have them below any folder."""
    *folders, name = path.split("/")
    forms = [*reversed(_KEY_FOLDERS)]
    if _FILE.fullmatch(name) and folders:
        forms = [is_pseudonymous_uid, *forms]  # the folder of the instance
        if not is_pseudonymous_uid(folders[-1]):
            raise RowError(
                "The image's name has no SOP Instance UID, and folders that are not those of a key."
            )
    kept = 0
    while kept < min(len(folders), len(forms)) and forms[kept](folders[-1 - kept]):
        kept += 1
    return "/".join([*folders[len(folders) - kept :], name])


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
        uid = _pseudonymous(found["uid"])
        end = f"{_folders(found['folders'])}/{uid}/{named}.png" if found["folders"] else None
        return ImageName(IMAGE, uid, number if named is None else named, end)
    bare = _FILE.fullmatch(path)
    if bare:
        return ImageName(FILE, "", int(bare[1]), path)
    raise RowError("The image's name has no SOP Instance UID, so it is not a name of an image in this store.")


def _pseudonymous(uid: str) -> str:
    """Return a UID unchanged; RowError if it is not a pseudonym."""
    if not is_pseudonymous_uid(uid):
        raise RowError("The UID is not a pseudonym, so no image of this store has it.")
    return uid


@lru_cache(maxsize=10_000)  # many images are in the same folders
def _folders(text: str) -> str:
    """The end of a key before the instance; server and bucket may be before a complete key only."""
    folders = text.split("/")[-len(_KEY_FOLDERS) :]
    forms = _KEY_FOLDERS[-len(folders) :]
    if not all(is_form(folder) for is_form, folder in zip(forms, folders, strict=True)):
        raise RowError("The folders in the image's name are not those of a key in this store.")
    return "/".join(folders)


def _frame(frame: str) -> int | None:
    if not frame:
        return None
    if not re.fullmatch("[0-9]{1,6}", frame):
        raise RowError("frame is not a number.")
    return int(frame)


def _group(path: str, level: str) -> ImageName:
    """The UID at the end of a name, which may have the folders of a key before it."""
    uid = path.rpartition("/")[2]
    if not is_pseudonymous_uid(uid):
        raise RowError(f"The name of the {level} is not a pseudonymous UID.")
    return ImageName(level, uid)
