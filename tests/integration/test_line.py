"""The pipeline on real servers: MinIO delivers the events; rows and objects are checked."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from common.store.object_key import Location
from imaging.options import RECIPE_VERSION
from tests.support.image_rows import IMAGES_OF_INSTANCE, image_rows
from tests.support.local_home import RunningHome, wait_for
from tests.support.notifications import without_notifications
from tests.support.real_files import make_instance, real_file


def test_a_put_becomes_rows_images_and_a_verdict(home: RunningHome) -> None:
    """An object in raw/incoming/ becomes an image, a de-identified file, rows and a verdict."""
    key = "incoming/line/put one.dcm"
    home.put(key, make_instance(1, patient=101))
    item = home.settled("extract", key)
    assert ("done", "extracted") == (item["state"], item["outcome"])
    (row,) = image_rows(home, item["sop_instance_uid"], 1)
    assert ("good", "CT", 128, 128) == (row["verdict"], row["modality"], row["rows"], row["columns"])
    picture = Image.open(io.BytesIO(_read(home, row["bucket"], row["key"])))
    assert ("PNG", "L", (128, 128), {}) == (picture.format, picture.mode, picture.size, dict(picture.info))
    names = [found.version.location.key for found in home.store.list_prefix("raw", "incoming/line/put one")]
    assert [] == names
    assert _read(home, "raw", "processed/line/put one.dcm") == make_instance(1, patient=101)


def test_every_frame_becomes_an_image(home: RunningHome) -> None:
    """A multi-frame object becomes one image for each frame, numbered from 1."""
    key = "incoming/line/frames.dcm"
    home.put(key, make_instance(1, name="emri_small.dcm", patient=102))
    item = home.settled("extract", key)
    rows = image_rows(home, item["sop_instance_uid"], 10)
    assert list(range(1, 11)) == [row["frame"] for row in rows]


def test_the_same_event_again_changes_nothing(home: RunningHome) -> None:
    """A repeated or late event is answered 200 and changes no attempts, rows or objects."""
    key, body = "incoming/line/twice+100% Ünï.dcm", make_instance(2, patient=101)
    etag = home.put(key, body)
    before = home.settled("extract", key)
    image_rows(home, before["sop_instance_uid"], 1)
    event = {"bucket": "raw", "key": key, "etag": etag, "size": len(body)}
    for _ in range(3):
        answer = home.post("extract", event)
        assert 200 == answer.status
        assert "done" == answer.json()["results"][0]["status"]
    assert before == home.item("extract", key)
    assert 1 == len(home.rows(IMAGES_OF_INSTANCE, before["sop_instance_uid"]))


def test_many_workers_on_one_event_do_it_once(home: RunningHome) -> None:
    """Of sixteen requests with one event, exactly one does the work; the others answer 200."""
    key, body = "incoming/line/at once.dcm", make_instance(3, patient=101)
    with ThreadPoolExecutor(16) as pool:
        etag = home.put(key, body)
        event = {"bucket": "raw", "key": key, "etag": etag, "size": len(body)}
        answers = list(pool.map(lambda _: home.post("extract", event), range(16)))
    assert {200} == {answer.status for answer in answers}
    item = home.settled("extract", key)
    assert ("done", 1) == (item["state"], item["attempts"])
    assert 1 == len(image_rows(home, item["sop_instance_uid"], 1))


def test_events_in_any_order_end_in_the_same_state(home: RunningHome) -> None:
    """Events that come in another order or a second time make no difference."""
    key = "incoming/line/order.dcm"
    home.put(key, make_instance(4, patient=101))
    item = home.settled("extract", key)
    (row,) = image_rows(home, item["sop_instance_uid"], 1)
    document = home.rows(
        "select key from ledger_item where function = 'store_metadata' and sop_instance_uid = %s",
        item["sop_instance_uid"],
    )[0]["key"]
    for function, event in (
        ("quality", {"bucket": row["bucket"], "key": row["key"]}),
        ("store_metadata", {"bucket": "metadata", "key": document}),
        ("extract", {"bucket": "raw", "key": key}),
    ):
        answer = home.post(function, event)
        assert (200, "done") == (answer.status, answer.json()["results"][0]["status"])
    assert [row] == home.rows(IMAGES_OF_INSTANCE, item["sop_instance_uid"])


def test_the_same_content_twice_is_a_duplicate(home: RunningHome) -> None:
    """A second file with the same instance and content is counted and creates nothing."""
    body = make_instance(5, patient=101)
    home.put("incoming/line/first.dcm", body)
    first = home.settled("extract", "incoming/line/first.dcm")
    home.put("incoming/line/copy.dcm", body)
    copy = home.settled("extract", "incoming/line/copy.dcm")
    assert "duplicate" == copy["outcome"]
    assert first["sop_instance_uid"] == copy["sop_instance_uid"]
    assert 1 == len(image_rows(home, copy["sop_instance_uid"], 1))


def test_other_content_under_the_same_uid_is_a_conflict(home: RunningHome) -> None:
    """A file with a known SOP Instance UID and other content is quarantined; nothing is overwritten."""
    body = make_instance(6, patient=101)
    home.put("incoming/line/right.dcm", body)
    right = home.settled("extract", "incoming/line/right.dcm")
    (before,) = image_rows(home, right["sop_instance_uid"], 1)
    changed = bytearray(body)
    changed[body.index(b"\xe0\x7f\x10\x00") + 1000] ^= 0x7F  # a pixel
    home.put("incoming/line/wrong.dcm", bytes(changed))
    wrong = home.settled("extract", "incoming/line/wrong.dcm")
    assert "quarantined" == wrong["state"]
    assert "same SOP Instance UID" in wrong["cause"]
    assert bytes(changed) == _read(home, "quarantine", "raw/incoming/line/wrong.dcm")
    assert [before] == home.rows(IMAGES_OF_INSTANCE, right["sop_instance_uid"])


def _unknown_syntax() -> bytes:
    return make_instance(7, patient=101).replace(b"1.2.840.10008.1.2.1\x00", b"1.2.840.10008.1.9.9\x00", 1)


@pytest.mark.parametrize(
    ("name", "body", "state", "words"),
    [
        ("note.txt", b"not DICOM at all", "quarantined", "Not a DICOM file"),
        ("empty.dcm", b"", "quarantined", "empty"),
        ("half.dcm", make_instance(8, patient=101)[:20000], "quarantined", "shorter than the header says"),
        (
            "header.dcm",
            make_instance(9, patient=101)[:1500],
            "quarantined",
            "pixel data of this CT Image Storage",
        ),
        ("syntax.dcm", _unknown_syntax(), "quarantined", "transfer syntax"),
        ("report.dcm", real_file("reportsi.dcm"), "done", "holds no picture"),
    ],
)
def test_bad_input_has_a_cause(home: RunningHome, name: str, body: bytes, state: str, words: str) -> None:
    """A file that cannot become an image is quarantined or skipped with a cause."""
    key = f"incoming/bad/{name}"
    home.put(key, body)
    item = home.settled("extract", key)
    assert state == item["state"]
    assert words in item["cause"]
    assert item["moved_to_key"] in {f"raw/incoming/bad/{name}", f"processed/bad/{name}"}
    assert body == _read(home, item["moved_to_bucket"], item["moved_to_key"])


def test_colour_is_rgb(home: RunningHome) -> None:
    """A colour image becomes an RGB image after a person has blanked what it shows, and released it."""
    key = "incoming/line/colour.dcm"
    home.put(key, real_file("examples_rgb_color.dcm"))
    held = home.settled("extract", key)
    assert ("held", "raw", "held/line/colour.dcm") == (
        held["state"],
        held["moved_to_bucket"],
        held["moved_to_key"],
    )
    assert held["text_boxes"]
    assert held["text_finding"] in {"text", "identity"}
    decision = ("release", "--item", str(held["id"]), "--who", "tester")
    assert 0 == home.run_cli(*decision, "--why", "looked at it").returncode
    again = wait_for(
        lambda: (row := home.item("extract", key)) and row["attempts"] == 2 and row["settled_at"] and row,
        seconds=60,
    )
    assert again
    assert "was read in the picture" in again["cause"]
    assert 2 == home.run_cli(*decision, "--blank", "0,0,320", "--why", "x").returncode
    done = home.run_cli(*decision, "--blank", "0,0,320,40", "--why", "blanked")
    assert 0 == done.returncode, done.stderr
    item = wait_for(lambda: (row := home.item("extract", key)) and row["state"] == "done" and row, seconds=60)
    assert item
    assert ("tester", "blanked", [[0, 0, 320, 40]]) == (
        item["released_by"],
        item["released_why"],
        item["blank"],
    )
    assert "with 1 rectangle(s) blanked" in home.run_cli("trace", str(held["id"])).stdout
    (row,) = image_rows(home, item["sop_instance_uid"], 1)
    picture = np.asarray(Image.open(io.BytesIO(_read(home, row["bucket"], row["key"]))))
    assert (240, 320, 3) == picture.shape
    assert not picture[:40].any()
    assert picture[40:].any()


def test_replay_puts_a_quarantined_file_back(home: RunningHome) -> None:
    """After `dcm2set replay` a file that is still not DICOM is quarantined again."""
    key = "incoming/line/replayed.txt"
    home.put(key, b"still not DICOM")
    first = home.settled("extract", key)
    assert 0 == home.run_cli("replay", "--item", str(first["id"])).returncode
    again = wait_for(
        lambda: (row := home.item("extract", key)) and row["attempts"] == 2 and row["settled_at"] and row,
        seconds=60,
    )
    assert again
    assert ("quarantined", first["id"]) == (again["state"], again["id"])


def test_pictures_of_an_older_recipe_are_drawn_again(home: RunningHome) -> None:
    """`dcm2set replay --recipe-older-than` draws the images of these files again at the same locations."""
    key = "incoming/line/old recipe.dcm"
    home.put(key, make_instance(11, patient=101))
    item = home.settled("extract", key)
    uid = item["sop_instance_uid"]
    before = image_rows(home, uid, 1)
    home.wait_until_idle()
    home.rows("update extraction set recipe_version = 0 where sop_instance_uid = %s returning 1", uid)
    done = home.run_cli("replay", "--recipe-older-than", str(RECIPE_VERSION))
    assert "1 item(s) put back." in done.stdout

    def drawn_again() -> list[dict]:
        return home.rows(
            f"select 1 from extraction where sop_instance_uid = %s and recipe_version = {RECIPE_VERSION}", uid
        )

    assert wait_for(drawn_again, seconds=60)
    home.wait_until_idle()
    assert ("done", "extracted", 2) == tuple(
        home.item("extract", key)[name] for name in ("state", "outcome", "attempts")
    )
    assert before == home.rows(IMAGES_OF_INSTANCE, uid)


def test_an_image_drawn_again_is_judged_and_stored_again(home: RunningHome) -> None:
    """After a replay the verdict and the rows are those of the new image, and no older copy is left."""
    key = "incoming/line/judged again.dcm"
    home.put(key, make_instance(12, patient=101))
    item = home.settled("extract", key)
    uid = item["sop_instance_uid"]
    (image,) = image_rows(home, uid, 1)
    home.wait_until_idle()
    # The state that an older recipe with a worse image would have left.
    home.store.put(Location("suboptimal", image["key"]), b"an older picture", content_type="image/png")
    home.rows(
        "update image_allocation set bucket = 'suboptimal' where sop_instance_uid = %s returning 1", uid
    )
    home.rows("update verdict set verdict = 'low_quality' where sop_instance_uid = %s returning 1", uid)
    home.rows("update image set recipe = 'older' where sop_instance_uid = %s returning 1", uid)
    assert 0 == home.run_cli("replay", "--item", str(item["id"])).returncode

    def is_recreated() -> bool:
        (now,) = home.rows(
            "select v.verdict, a.bucket, i.recipe from verdict v join image_allocation a "
            "using (sop_instance_uid, frame) join image i using (sop_instance_uid, frame) "
            "where sop_instance_uid = %s",
            uid,
        )
        return (now["verdict"], now["bucket"]) == ("good", image["bucket"]) and now["recipe"] != "older"

    assert wait_for(is_recreated, seconds=60)
    home.wait_until_idle()
    assert image["key"] not in [
        found.version.location.key for found in home.store.list_prefix("suboptimal", "")
    ]


def test_a_lost_event_is_made_up_for_by_the_sweep(home: RunningHome) -> None:
    """An object whose notification never came is found by the sweep and extracted."""
    key = "incoming/line/without event.dcm"
    with without_notifications(home):
        home.put(key, make_instance(10, patient=101))
    item = home.settled("extract", key, seconds=60)
    assert "extracted" == item["outcome"]
    assert "good" == image_rows(home, item["sop_instance_uid"], 1)[0]["verdict"]


def test_a_sweep_without_backlog_says_so(home: RunningHome) -> None:
    """If nothing is pending, a sweep answers no_updates."""
    home.wait_until_idle()
    answer = home.post("sweep")
    assert (200, {"status": "no_updates"}) == (answer.status, answer.json())


def test_the_balance_closes(home: RunningHome) -> None:
    """Once everything is settled both differences are 0 and the exit code of `dcm2set status` is 0."""
    home.put("incoming/line/balance.dcm", make_instance(13, patient=101))
    home.settled("extract", "incoming/line/balance.dcm")
    home.wait_until_idle()
    balance = home.status()["balance"]
    assert (0, 0) == (balance["files_difference"], balance["images_difference"])
    assert balance["files_found"] > 0
    assert 0 == home.run_cli("status", "--json").returncode


def _read(home: RunningHome, bucket: str, key: str) -> bytes:
    return home.store.read(home.store.stat(Location(bucket, key)))
