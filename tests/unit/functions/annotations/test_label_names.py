"""Names of images, instances, series and studies in a label file."""

from base64 import urlsafe_b64encode

import pytest

from functions.annotations.formats.image_name import ImageName, image_name
from functions.annotations.formats.refused_row import RowError
from tests.support.uids import uid

UID, SERIES, STUDY = uid(1001), uid(2), uid(1)
KEY = f"P0123456789abcdef0123/{STUDY}/{SERIES}/{UID}/1.png"
FILE_URI = urlsafe_b64encode(f"s3://images-1/{KEY}".encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (f"s3://images-1/{KEY}", KEY),
        (f"http://127.0.0.1:9000/images-1/{KEY}", KEY),
        (f"https://store.example/images-1/{KEY}?X-Amz-Signature=abc&X-Amz-Expires=60", KEY),
        (f"https://images-1.store.example/{KEY}", KEY),
        (f"https://store.example/images%2D1/{KEY}", KEY),
        (f"/tasks/7/resolve/?fileuri={FILE_URI}", KEY),
        (f"https://labels.example/tasks/7/presign/?fileuri={FILE_URI}", KEY),
        (f"/{KEY}", KEY),
        (KEY, KEY),
        (KEY.replace("/", "\\"), KEY),
        (f"{SERIES}/{UID}/1.png", f"{SERIES}/{UID}/1.png"),
        *((short, None) for short in (f"{UID}/1.png", f"{UID}/1", f"{UID}_1.png", f"{UID}-1")),
    ],
)
def test_spellings_of_one_image(name: str, path: str | None) -> None:
    """URLs with or without signature, keys, ends of keys, file names and UIDs with a frame name one image."""
    assert ImageName("image", UID, 1, path) == image_name(name)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *((f"/data/upload/1/3f2a1c9d-{UID}{end}", None) for end in ("_1.png", "-1.png")),
        (f"/data/upload/3f2a1c9d-{UID}_1.png", None),
        (f"https://labels.example/studio/data/upload/17/00000000-{UID}_1.png", None),
        (f"/data/local-files/?d={UID}_1.png", None),
        (f"/data/local-files/?d=export/images/{UID}_1.png", None),
        (f"/data/local-files/?d=disk/{UID}/1.png", f"{UID}/1.png"),
        (f"/data/local-files/?d=images%2F{KEY}", KEY),
        (f"/data/local-files/?d=C%3A%5Cimages%5C{UID}%5C1.png", f"{UID}/1.png"),
        (
            f"http://127.0.0.1:8080/data/local-files/?d=my%20images/{SERIES}/{UID}/1.png",
            f"{SERIES}/{UID}/1.png",
        ),
        (f"/data/local-files?d=/{KEY}", KEY),
    ],
)
def test_files_of_label_studio(name: str, path: str | None) -> None:
    """Files uploaded to Label Studio, and those on its own disk below any folder, name their image."""
    expected = path if path is None or path.count("/") > 1 else None
    assert ImageName("image", UID, 1, expected) == image_name(name)


@pytest.mark.parametrize("name", ["/data/upload/1/3f2a1c9d-12.png", "/data/local-files/?d=12.png"])
def test_file_name_in_label_studio(name: str) -> None:
    """A file name alone is one also in Label Studio."""
    assert ImageName("file", "", 12, "12.png") == image_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "/data/upload/1/3f2a1c9d-cxr.png",
            "/data/upload/1/3f2a1c9d-1.2.840.1_1.png",
            f"/data/upload/1/{UID}_1.png",
        ),
        *("/data/local-files/?d=images/1.png", "/data/local-files/?d=Mustermann/1.2.840.1/1.png"),
        *("/data/local-files/", "/data/local-files/?d=", f"/data/local-files/?d=../{UID}_1.png"),
        *(f"/data/local-files/?d=a/../{KEY}", f"/data/local-files/?d={KEY}&d={KEY}"),
        f"/data/upload/1/3f2a1c9d-..%2F{UID}_1.png",
    ],
)
def test_other_files_of_label_studio_are_refused(name: str) -> None:
    """Files with other names, original UIDs or `..` are refused there, too."""
    with pytest.raises(RowError):
        image_name(name)


def test_uid_without_a_frame() -> None:
    """A UID without a frame means the only frame; another column may give the frame."""
    assert ImageName("image", UID) == image_name(UID)
    assert ImageName("image", UID, 3) == image_name(UID, frame="3")


def test_bare_file_name() -> None:
    """A file name alone has no UID."""
    assert ImageName("file", "", 12, "12.png") == image_name("12.png")


@pytest.mark.parametrize("level", ["instance", "series", "study"])
def test_names_of_instances_series_and_studies(level: str) -> None:
    """The name is the UID, or a path that ends in it."""
    assert ImageName(level, SERIES) == image_name(SERIES, level) == image_name(f"P/{STUDY}/{SERIES}/", level)


@pytest.mark.parametrize(
    ("name", "level", "frame"),
    [
        *(
            (wrong, "image", "")
            for wrong in ("", "cxr.png", "patient1/study1/view1.jpg", "s3://", "2", f"a/{STUDY}")
        ),
        *(
            (wrong, "image", "")
            for wrong in (f"../{KEY}", f"s3://b/../{KEY}", "..", "%2e%2e/x", "http://[bad/1.png")
        ),
        *(
            (wrong, "image", "")
            for wrong in (f"a\x00/{KEY}", "x" * 3000, "?fileuri=%%", "/?fileuri=AAA", "=cmd|' /C'!A0")
        ),
        (UID, "image", "first"),
        (f"{UID}/1.png", "image", "2"),
        (STUDY, "patient", ""),
        ("every", "study", ""),
    ],
)
def test_wrong_names_are_refused(name: str, level: str, frame: str) -> None:
    """A name that fits no image, or leaves its folder, is refused."""
    with pytest.raises(RowError):
        image_name(name, level, frame)


def test_signature_is_not_stored() -> None:
    """Only the path of a presigned URL is used, because its query is a credential."""
    assert "secret" not in str(
        image_name(f"https://user:secret@s/images-1/{KEY}?X-Amz-Signature=secret#secret")
    )
