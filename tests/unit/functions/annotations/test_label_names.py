"""What names in a label file mean."""

from base64 import urlsafe_b64encode

import pytest

from functions.annotations.formats.image_name import ImageName, image_name
from functions.annotations.formats.refused_row import RowError

KEY = "P0123456789abcdef0123/2.25.1/2.25.2/2.25.1001/1.png"
FILE_URI = urlsafe_b64encode(f"s3://images-1/{KEY}".encode()).decode().rstrip("=")
UNSIGNED = f"images-1/{KEY}"


@pytest.mark.parametrize(
    ("told", "path"),
    [
        (f"s3://images-1/{KEY}", UNSIGNED),
        (f"http://127.0.0.1:9000/images-1/{KEY}", UNSIGNED),
        (f"https://store.example/images-1/{KEY}?X-Amz-Signature=abc&X-Amz-Expires=60", UNSIGNED),
        (f"https://images-1.store.example/{KEY}", KEY),
        (f"https://store.example/images%2D1/{KEY}", UNSIGNED),
        (f"/tasks/7/resolve/?fileuri={FILE_URI}", UNSIGNED),
        (f"https://labels.example/tasks/7/presign/?fileuri={FILE_URI}", UNSIGNED),
        (f"/{KEY}", KEY),
        (KEY, KEY),
        (KEY.replace("/", "\\"), KEY),
        ("2.25.2/2.25.1001/1.png", "2.25.2/2.25.1001/1.png"),
        *((name, None) for name in ("2.25.1001/1.png", "2.25.1001/1", "2.25.1001_1.png", "2.25.1001-1")),
    ],
)
def test_spellings_of_one_image(told: str, path: str | None) -> None:
    """URLs, presigned or plain, keys, ends of keys, file names and UIDs with a frame mean one image."""
    assert ImageName("image", "2.25.1001", 1, path) == image_name(told)


def test_uid_alone_is_its_only_frame() -> None:
    """A UID without a frame stands for the only frame; another column may tell which."""
    assert ImageName("image", "2.25.1001") == image_name("2.25.1001")
    assert ImageName("image", "2.25.1001", 3) == image_name("2.25.1001", frame="3")


def test_bare_file_name() -> None:
    """A bare file name has no UID."""
    assert ImageName("file", "", 12, "12.png") == image_name("12.png")


@pytest.mark.parametrize("level", ["instance", "series", "study"])
def test_names_of_greater_things(level: str) -> None:
    """The UID, or a path that ends in it."""
    assert ImageName(level, "2.25.2") == image_name("2.25.2", level) == image_name("P/2.25.1/2.25.2/", level)


@pytest.mark.parametrize(
    ("told", "level", "frame"),
    [
        *(
            (told, "image", "")
            for told in ("", "cxr.png", "patient1/study1/view1.jpg", "s3://", "2", "a/2.25.1")
        ),
        *(
            (told, "image", "")
            for told in (f"../{KEY}", f"s3://b/../{KEY}", "..", "%2e%2e/x", "http://[bad/1.png")
        ),
        *(
            (told, "image", "")
            for told in (f"a\x00/{KEY}", "x" * 3000, "?fileuri=%%", "/?fileuri=AAA", "=cmd|' /C'!A0")
        ),
        ("2.25.1001", "image", "first"),
        ("2.25.1001/1.png", "image", "2"),
        ("2.25.1", "patient", ""),
        ("every", "study", ""),
    ],
)
def test_names_of_nothing(told: str, level: str, frame: str) -> None:
    """What can't be a name of ours, or leaves its folder, refuses its row."""
    with pytest.raises(RowError):
        image_name(told, level, frame)


def test_signature_is_not_kept() -> None:
    """What a presigned URL says beyond its path is a credential, and is dropped."""
    assert "secret" not in str(
        image_name(f"https://user:secret@s/images-1/{KEY}?X-Amz-Signature=secret#secret")
    )
