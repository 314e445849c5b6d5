"""The quality pages: the gallery, overruling, pictures, distributions and weeks."""

import re
from typing import Any

import pytest

from common.database import Database
from common.errors import DependencyAwayError
from common.store.object_key import SUBOPTIMAL, Location
from functions.review.quality.nearest_images import PAGE
from tests.support.judged_rows import BUCKET, JudgedRows
from tests.support.page_bench import PageBench, SignedIn


@pytest.fixture
def rows(bench: PageBench) -> JudgedRows:
    """Images with verdicts, on the rows and the store of the page."""
    return JudgedRows(bench.database, bench.store)


def shown(page: Any) -> list[str]:
    """The UIDs of the pictures on a page of the gallery, in order."""
    return re.findall(r'<img loading="lazy" src="/images/([0-9.]+)/1.png"', page.text)


def overrule(user: SignedIn, uid: str, verdict: str, seen: str, **others: str) -> Any:
    """Send the form of a picture."""
    return send(user, uid, {"verdict": verdict, "why": "Sharp enough.", f"seen {uid}/1": seen} | others)


def send(user: SignedIn, uid: str, fields: dict[str, str]) -> Any:
    """Send fields as the form of a picture."""
    return user.post(f"/quality/{uid}/1/verdict", **fields)


def test_what_waits_comes_first_and_the_nearest_before_all(bench: PageBench, rows: JudgedRows) -> None:
    """The default is in review; every verdict and modality can be chosen, and both sides are mixed."""
    far, near = rows.add("review", 0.5), rows.add("review", 0.9, "MR")
    good, bad = rows.add("good", 0.1), rows.add("low_quality", 0.97, None)
    user = bench.sign_in()
    assert [near, far] == shown(user.get("/quality/"))
    assert "2 image(s) wait for a person" in user.get("/quality/").text
    assert [bad, near, far, good] == shown(user.get("/quality/?of_verdict=all"))
    assert [far, good] == shown(user.get("/quality/?of_verdict=all&modality=CT"))
    assert [bad] == shown(user.get("/quality/?of_verdict=low_quality&modality=unknown"))
    assert [] == shown(user.get("/quality/?of_verdict=black"))
    assert "little detail" in user.get("/quality/").text


def test_pages_follow_one_another_without_a_gap(bench: PageBench, rows: JudgedRows) -> None:
    """Also among images of equal scores."""
    uids = {rows.add("review", 0.5, ["CT", "MR"][number % 2]) for number in range(PAGE + 3)}
    user = bench.sign_in()
    first = user.get("/quality/")
    link = re.search(r'href="([^"]+)" data-key="n"', first.text)
    assert link is not None
    second = user.get(link[1].replace("&amp;", "&"))
    assert (PAGE, 3) == (len(shown(first)), len(shown(second)))
    assert uids == {*shown(first), *shown(second)}
    strip = re.search(r"data-strip.*?</div>", first.text, re.DOTALL)
    assert strip is not None
    assert shown(first) == re.findall(r'href="#i-([0-9.]+)-1"', strip[0])
    assert shown(first) == re.findall(r'src="/images/([0-9.]+)/1/small.png"', strip[0])
    for after in ("x", "nan~1~1", "0~~99999999999", "0~1.2\0~1"):
        assert 200 == user.get("/quality/", query_string={"after": after}).status_code


def test_a_person_overrules_and_the_image_moves(bench: PageBench, rows: JudgedRows) -> None:
    """With a reason that is remembered, a row in the audit, and the next picture as the target."""
    uid, other = rows.add("review", 0.9), rows.add("review", 0.8)
    reviewer = bench.sign_in("reviewer")
    page = reviewer.get("/quality/").text
    assert f'formaction="/quality/{uid}/1/verdict?next=i-{other}-1"' in page
    answer = reviewer.post(
        f"/quality/{uid}/1/verdict?next=i-{other}-1",
        **{"verdict": "low_quality", "why": "Blurred.", f"seen {uid}/1": "review 0", "of_verdict": "all"},
    )
    assert 303 == answer.status_code
    assert f"/quality/?of_verdict=all#i-{other}-1" == answer.headers["Location"]
    assert ("low_quality", SUBOPTIMAL) == rows.verdict_of(uid)
    assert [other] == shown(reviewer.get("/quality/"))
    assert 'value="Blurred."' in reviewer.get("/quality/").text
    audit = bench.database.one(
        "select who, via, action, sop_instance_uid, frame, why, details from audit_event"
    )
    assert {
        "who": "nurse",
        "via": "page",
        "action": "overrule",
        "sop_instance_uid": uid,
        "frame": 1,
        "why": "Blurred.",
        "details": {"verdict": "low_quality"},
    } == audit
    number = re.search(rf'name="seen {uid}/1" value="(low_quality \d+)"', reviewer.get("/quality/").text)
    assert number is not None
    assert 303 == overrule(reviewer, uid, "good", number[1]).status_code
    assert ("good", BUCKET) == rows.verdict_of(uid)


def test_the_second_of_two_persons_is_told_who_was_first(bench: PageBench, rows: JudgedRows) -> None:
    """Also if both chose the same; and a new judgement of the model is told as well."""
    uid = rows.add("review", 0.9)
    assert 303 == overrule(bench.sign_in("reviewer", name="ann"), uid, "good", "review 0").status_code
    bob = bench.sign_in("reviewer", name="bob")
    for verdict in ("good", "low_quality"):
        answer = overrule(bob, uid, verdict, "review 0")
        assert 409 == answer.status_code
        assert "ann has overruled this image as good meanwhile" in answer.text
    assert ("good", BUCKET) == rows.verdict_of(uid)
    other = rows.add("good", 0.1)
    answer = overrule(bob, other, "good", "review 0")
    assert (409, True) == (answer.status_code, "judged again meanwhile" in answer.text)
    row = bench.database.one("select count(*) as number from overruling") or {}
    assert 1 == row["number"]


@pytest.mark.parametrize("roles", [[], ["operator"]])
def test_only_a_reviewer_overrules(bench: PageBench, rows: JudgedRows, roles: list[str]) -> None:
    """Others see the pictures, and no form."""
    uid = rows.add("review", 0.9)
    user = bench.sign_in(*roles)
    assert 403 == overrule(user, uid, "good", "review 0").status_code
    page = user.get("/quality/")
    assert ([uid], False) == (shown(page), "formaction" in page.text)


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "black"},
        {"why": " - "},
        {"why": "x" * 501},
        {"seen 2.25.1/1": "review"},
        {"seen 2.25.1/1": "review " + "9" * 30},
        {"seen 2.25.1/1": "other 0"},
    ],
)
def test_a_wrong_form_changes_nothing(bench: PageBench, rows: JudgedRows, fields: dict[str, str]) -> None:
    """It is told with status 400."""
    uid = rows.add("review", 0.9)
    right = {"verdict": "good", "why": "Sharp enough.", f"seen {uid}/1": "review 0"}
    assert 400 == send(bench.sign_in("reviewer"), uid, right | fields).status_code
    assert ("review", BUCKET) == rows.verdict_of(uid)


def test_a_verdict_that_could_not_be_carried_out_is_repeated(
    bench: PageBench, rows: JudgedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person is told; the page that is loaded again lets the person repeat it."""
    uid, reviewer = rows.add("review", 0.9), bench.sign_in("reviewer")

    def away(*_: object) -> None:
        raise DependencyAwayError("The object store does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(bench.store, "stat", away)
        answer = overrule(reviewer, uid, "low_quality", "review 0")
    assert 503 == answer.status_code
    assert "not carried out: The object store does not answer." in answer.text
    seen = re.search(rf'name="seen {uid}/1" value="(review \d+)"', reviewer.get("/quality/").text)
    assert seen is not None
    assert 303 == overrule(reviewer, uid, "low_quality", seen[1]).status_code
    assert ("low_quality", SUBOPTIMAL) == rows.verdict_of(uid)


def test_every_signed_in_user_sees_deidentified_pictures_and_nothing_else(
    bench: PageBench, rows: JudgedRows
) -> None:
    """From both kinds of bucket, never stored by a browser; other buckets and keys are not reachable."""
    good, bad = rows.add("good", 0.1), rows.add("black", 1.0)
    user = bench.sign_in()
    for uid in (good, bad):
        answer = user.get(f"/images/{uid}/1.png")
        assert (200, f"png of {uid}") == (answer.status_code, answer.text)
        assert "image/png" == answer.headers["Content-Type"]
        assert "no-store" == answer.headers["Cache-Control"]
    for path in ("2.25.999/1", f"{good}/2", f"{good}/0", f"{good}/99999999999", "x/1", "%2e%2e%2fraw/1"):
        assert 404 == user.get(f"/images/{path}.png").status_code
    secret = Location("raw", f"P1/2.25.8/2.25.9/{good}/1.png")
    bench.store.ensure_bucket("raw")
    bench.store.put(secret, b"a name", content_type="image/png")
    bench.database.run(
        "update image_allocation set bucket = 'raw' where sop_instance_uid = %(uid)s", uid=good
    )
    assert 404 == user.get(f"/images/{good}/1.png").status_code
    assert 303 == bench.application.test_client().get(f"/images/{bad}/1.png").status_code


def test_pictures_are_seen_with_another_prefix_of_buckets(database: Database) -> None:
    """Image buckets are those of DCM2SET_IMAGES_PREFIX; others are not reachable."""
    bench = PageBench.on(database, images_prefix="scans-")
    try:
        uid = JudgedRows(bench.database, bench.store).add("good", 0.1)
        user, key = bench.sign_in(), f"P1/2.25.8/2.25.9/{uid}/1.png"
        assert 404 == user.get(f"/images/{uid}/1.png").status_code
        bench.store.ensure_bucket("scans-1")
        bench.store.put(Location("scans-1", key), b"a picture", content_type="image/png")
        database.run("update image_allocation set bucket = 'scans-1'")
        assert b"a picture" == user.get(f"/images/{uid}/1.png").data
    finally:
        bench.close()


def test_a_picture_that_is_gone_is_told(bench: PageBench, rows: JudgedRows) -> None:
    """Its row is there, but its object is not."""
    uid = rows.add("good", 0.1)
    location = Location(BUCKET, f"P1/2.25.8/2.25.9/{uid}/1.png")
    bench.store.delete(bench.store.stat(location))
    assert 404 == bench.sign_in().get(f"/images/{uid}/1.png").status_code


def test_other_limits_are_counted_and_change_nothing(bench: PageBench, rows: JudgedRows) -> None:
    """Verdicts of persons and black images stay."""
    rows.add("good", 0.1), rows.add("good", 0.42), rows.add("review", 0.5, "MR"), rows.add("black", 1.0)
    chosen = rows.add("review", 0.6)
    overrule(bench.sign_in("reviewer"), chosen, "good", "review 0")
    page = bench.sign_in().get("/quality/scores?review_from=0.4&reject_from=0.5").text
    assert "2 of 5 image(s) would get another verdict" in page
    assert "1 from in review to low quality" in page
    assert "1 from good to in review" in page
    page = bench.sign_in().get("/quality/scores?review_from=0.4&modality=MR").text
    assert "0 of 1 image(s) would get another verdict" in page
    for query in ("review_from=0.5&reject_from=0.4", "review_from=x", "review_from=nan", "review_from=-1"):
        assert 400 == bench.sign_in().get(f"/quality/scores?{query}").status_code


def test_scores_are_drawn_with_both_limits(bench: PageBench, rows: JudgedRows) -> None:
    """By modality; the numbers are there as text as well, and what a file contains is escaped."""
    rows.add("good", 0.1), rows.add("good", 0.9999999), rows.add("review", 0.5, "<script>alert(1)</script>")
    rows.add("good", 0.2, "MR", threshold=1.5)
    page = bench.sign_in().get("/quality/scores").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'aria-label="Scores of 2 images of CT; in review from 0.43, rejected from 0.96.' in page
    assert (3, 2) == (page.count('class="limit review"'), page.count('class="limit rejected"'))
    assert "none rejected by its score" in page
    assert "<script>alert" not in bench.sign_in("reviewer").get("/quality/?of_verdict=all").text


def test_weeks_and_what_has_drifted(bench: PageBench) -> None:
    """The shares of each week, and the alarm that `dcm2set quality drift` gives."""
    from model.card import DEFAULT_MODEL, card_path

    version = re.search(r'"version": "([^"]+)"', card_path(DEFAULT_MODEL).read_text())
    assert version is not None
    for weeks_ago, rejected in ((2, 10), (1, 10), (0, 80)):
        bench.database.run(
            "insert into quality_week (week, modality, device, model_version, patients, good, review, black, "
            "low_quality, scores, features) "
            "values (date_trunc('week', now())::date - %(ago)s::int * 7, 'ZZ', '<script>alert(1)</script>', "
            "%(version)s, 100, 100 - %(rejected)s, 0, 0, %(rejected)s, '{}', '{}')",
            ago=weeks_ago,
            version=version[1],
            rejected=rejected,
        )
    page = bench.sign_in().get("/quality/weeks").text
    assert "Pictures differ from before: ZZ, week of" in page
    assert "80% rejected, 10% in the weeks before" in page
    assert "Shares of rejected images of ZZ and of those in review in 3 weeks" in page
    assert "<script>alert" not in page


def test_empty_pages(bench: PageBench) -> None:
    """Before anything was judged."""
    for path in ("/quality/", "/quality/scores", "/quality/scores?review_from=0.5", "/quality/weeks"):
        assert 200 == bench.sign_in("reviewer").get(path).status_code
