"""Small pictures of de-identified images."""

import io

import numpy as np
import pytest
from PIL import Image

from common.errors import PermanentError
from common.store.object_key import Location
from functions.review.pictures import small_pictures
from functions.review.pictures.small_pictures import SIDE, SmallPictures
from tests.support.page_bench import PageBench
from tests.support.page_rows import insert_image, insert_item


def _png(rows: int, columns: int, *, bits: int = 8) -> bytes:
    """A picture that is dark on the left and bright on the right."""
    kind = np.uint8 if bits == 8 else np.uint16
    values = np.tile(np.linspace(0, 2**bits - 1, columns), (rows, 1)).astype(kind)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("rows", "columns", "size"), [(512, 1024, (256, 128)), (40, 30, (30, 40))])
@pytest.mark.parametrize("bits", [8, 16])
def test_it_fits_into_a_square(rows: int, columns: int, size: tuple[int, int], bits: int) -> None:
    """Of at most 256 pixels, whole and with 8 bits; a smaller picture keeps its size."""
    body = _png(rows, columns, bits=bits)
    with Image.open(io.BytesIO(SmallPictures(10**6).of(("1", 1, "e"), lambda: body))) as image:
        assert (size, "L") == (image.size, image.mode)
        edge = np.asarray(image)
    assert edge[0, 0] < 10
    assert edge[-1, -1] > 245


def test_the_last_ones_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the limit of bytes; a picture that was replaced is made again, because its ETag is another."""
    body, reads = _png(300, 300), list[str]()
    pictures = SmallPictures(10**6)

    def made(etag: str) -> bytes:
        return pictures.of(("1", 1, etag), lambda: reads.append(etag) or body)  # type: ignore[func-returns-value]

    one = made("a")
    assert made("a") == one
    made("b")
    monkeypatch.setattr(small_pictures, "_MOST_BYTES", 2 * len(one))
    made("a")  # used again, so that "b" is the oldest
    made("c")
    made("a")
    made("b")
    assert ["a", "b", "c", "b"] == reads


@pytest.mark.parametrize("body", [b"", b"no PNG", _png(2000, 2000)[:1000], _png(2000, 2000)])
def test_what_is_no_picture_is_refused(body: bytes) -> None:
    """Also one of more pixels than the limit, before it is decoded; nothing is kept of it."""
    for _ in range(2):
        with pytest.raises(PermanentError):
            SmallPictures(10**6).of(("1", 1, "e"), lambda: body)


def test_on_the_page(bench: PageBench) -> None:
    """For every signed-in user, and stored by nobody; one that is no picture is told."""
    insert_item(bench.database, "1", "done", outcome="extracted", sop_instance_uid="1.2.3")
    key = "P1/1.1/1.2/1.2.3/1.png"
    insert_image(bench.database, key, item=1)
    bench.store.ensure_bucket("images-1")
    viewer, path = bench.sign_in("viewer"), "/images/1.2.3/1/small.png"
    assert 404 == viewer.get(path).status_code
    bench.store.put(Location("images-1", key), _png(600, 600), content_type="image/png")
    answer = viewer.get(path)
    assert (200, "image/png", "no-store") == (
        answer.status_code,
        answer.mimetype,
        answer.headers["Cache-Control"],
    )
    with Image.open(io.BytesIO(answer.data)) as image:
        assert (SIDE, SIDE) == image.size
    bench.store.put(Location("images-1", key), b"no picture", content_type="image/png")
    assert 404 == viewer.get(path).status_code
    assert 303 == bench.application.test_client().get(path).status_code
