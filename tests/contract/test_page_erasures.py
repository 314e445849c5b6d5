"""The pages of erasures: who may ask for one, what is told before, and what can be withdrawn."""

import re

import pytest

from common.database import Database
from tests.support.page_bench import PageBench, SignedIn
from tests.support.page_rows import insert, insert_image, insert_item

PATIENT, OTHER = f"P{'a' * 20}", f"P{'b' * 20}"


@pytest.fixture
def patients(bench: PageBench) -> PageBench:
    """Two files and an image of a patient with a label, a file of another, and one of nobody known."""
    database = bench.database
    insert_item(database, "1", "done", outcome="extracted", patient_id=PATIENT, sop_instance_uid="1.2.3")
    insert_item(database, "2", "held", cause="Text.", patient_id=PATIENT)
    insert_item(database, "3", "held", cause="Text.", patient_id=OTHER)
    insert_item(database, "4", "quarantined", cause="No DICOM.")
    insert_image(database, f"{PATIENT}/1.1/1.2/1.2.3/1.png", item=1)
    return bench


@pytest.fixture
def operator(patients: PageBench) -> SignedIn:
    """A signed-in operator."""
    return patients.sign_in("operator", name="olga")


def _ask(user: SignedIn, patient: str = PATIENT, typed: str | None = None, why: str = "Withdrawn."):
    return user.post("/erasures/ask", patient=patient, typed=patient if typed is None else typed, why=why)


def _requests(database: Database) -> list[tuple[object, ...]]:
    rows = database.all("select patient_id, via, who, why, state from erasure_request order by id")
    return [tuple(row.values()) for row in rows]


def _audit(database: Database) -> list[tuple[object, ...]]:
    rows = database.all("select who, via, action, why, details from audit_event order by id")
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("roles", [["viewer"], ["reviewer"]])
def test_only_an_operator_erases(patients: PageBench, roles: list[str]) -> None:
    """Others get no page, no form and no link, and store nothing."""
    user = patients.sign_in(*roles)
    assert [403, 403] == [user.get(path).status_code for path in ("/erasures/", "/erasures/of/1")]
    assert 403 == user.post("/erasures/of", patient=PATIENT).status_code
    assert [403, 403] == [_ask(user).status_code, user.post("/erasures/1/withdraw").status_code]
    assert "/erasures/" not in user.get("/").text + user.get("/items/1").text
    assert ([], []) == (_requests(patients.database), _audit(patients.database))


def test_the_form_tells_what_is_removed(patients: PageBench, operator: SignedIn) -> None:
    """From the page of an item or image; the pseudonym is in the page, and in no title or address."""
    database = patients.database
    database.run("insert into backup_taken (folder, taken_at) values ('/backups/1', now())")
    assert "none holds the patient" in operator.get("/erasures/of/2").text
    database.run(
        "insert into training_set_version (name, number, query, options, digest, counts, created_at) "
        "values ('chest', 2, 'q', '{}', 'd', '{}', now())"
    )
    insert(database, "training_set_patient", version_id=1, patient_id=PATIENT, split="train")
    for path in ("/items/1", "/items/image/1.2.3/1"):
        assert 'href="/erasures/of/1"' in operator.get(path).text, path
    assert "/erasures/of/" not in operator.get("/items/4").text
    text = operator.get("/erasures/of/2").text
    counts = [re.search(rf"<strong>(\d+)</strong> {word}", text)[1] for word in ("files", "images", "labels")]  # type: ignore[index]
    assert ["2", "1", "0"] == counts
    assert "1 backup(s), the newest of" in text
    assert "hold the patient: chest v2. A person" in text
    assert PATIENT in text
    assert PATIENT not in text[: text.index("</title>")]
    assert not re.findall(rf'(?:href|action)="[^"]*{PATIENT}', text)
    assert [404, 404] == [operator.get(f"/erasures/of/{number}").status_code for number in (4, 99)]


def test_asking_for_an_erasure(patients: PageBench, operator: SignedIn) -> None:
    """The request and its row in the audit are stored, and nothing is removed by the page."""
    answer = _ask(operator)
    assert (303, "/erasures/") == (answer.status_code, answer.headers["Location"])
    assert [(PATIENT, "page", "olga", "Withdrawn.", "waiting")] == _requests(patients.database)
    assert [("olga", "page", "ask erasure", "Withdrawn.", {"erasure": 1})] == _audit(patients.database)
    text = operator.get("/erasures/").text
    assert "Erasure 1: waiting" in text
    assert 'action="/erasures/1/withdraw"' in text
    assert 4 == len(patients.database.all("select from ledger_item"))


def test_a_pseudonym_of_nobody_known(operator: SignedIn) -> None:
    """May be erased as well, so that later files are refused; what is no pseudonym is told."""
    text = operator.post("/erasures/of", patient=f" P{'c' * 20} ").text
    assert "<strong>0</strong> files" in text
    for wrong in ("", "Doe^Jane", "P123", f"{PATIENT}0", PATIENT.upper()):
        answer = operator.post("/erasures/of", patient=wrong)
        assert (400, True) == (answer.status_code, "A pseudonym is P and 20 digits" in answer.text), wrong
        assert 400 == _ask(operator, wrong).status_code, wrong


@pytest.mark.parametrize("typed", ["", OTHER, PATIENT[:-1], "yes"])
def test_the_pseudonym_must_be_typed(patients: PageBench, operator: SignedIn, typed: str) -> None:
    """Another text is told in the form, which keeps the reason; nothing is stored."""
    answer = _ask(operator, typed=typed)
    assert 400 == answer.status_code
    assert "This is not the patient&#39;s pseudonym" in answer.text
    assert 'value="Withdrawn."' in answer.text
    assert [] == _requests(patients.database)


@pytest.mark.parametrize("why", ["", "  ", "-", "x" * 501])
def test_an_erasure_needs_a_reason(patients: PageBench, operator: SignedIn, why: str) -> None:
    """In words."""
    assert 400 == _ask(operator, why=why).status_code
    assert [] == _requests(patients.database)


def test_a_form_of_another_site(patients: PageBench, operator: SignedIn) -> None:
    """Without the token of the session, nothing is asked for and nothing is withdrawn."""
    form = {"patient": PATIENT, "typed": PATIENT, "why": "x"}
    assert 403 == operator.client.post("/erasures/ask", data=form).status_code
    _ask(operator)
    assert 403 == operator.client.post("/erasures/1/withdraw").status_code
    assert 403 == operator.client.post("/erasures/of", data=form).status_code
    assert [(PATIENT, "page", "olga", "Withdrawn.", "waiting")] == _requests(patients.database)


def test_one_patient_is_asked_for_once(patients: PageBench, operator: SignedIn) -> None:
    """The second person is told; after a withdrawal it can be asked for again."""
    assert 303 == _ask(operator).status_code
    second = _ask(patients.sign_in("operator", name="otto"))
    assert (409, True) == (second.status_code, "asked for already" in second.text)
    assert 303 == operator.post("/erasures/1/withdraw").status_code
    assert 303 == _ask(operator, why="Again.").status_code
    assert ["Withdrawn.", "Again."] == [row[3] for row in _requests(patients.database)]
    assert ["ask erasure", "withdraw erasure", "ask erasure"] == [r[2] for r in _audit(patients.database)]
    assert "Erasure 1: withdrawn" in operator.get("/erasures/").text


@pytest.mark.parametrize("state", ["running", "done", "failed", "waiting"])
def test_what_was_begun_can_not_be_withdrawn(patients: PageBench, operator: SignedIn, state: str) -> None:
    """Also if it waits again: files of the patient are refused already."""
    _ask(operator)
    patients.database.run("update erasure_request set attempts = 1, state = %(state)s", state=state)
    assert 409 == operator.post("/erasures/1/withdraw").status_code
    assert "/erasures/1/withdraw" not in operator.get("/erasures/").text
    assert 409 == operator.post("/erasures/99/withdraw").status_code
    assert 1 == len(_audit(patients.database))


def test_what_came_of_it(patients: PageBench, operator: SignedIn) -> None:
    """What was found and what is left, in the words of the shell; what is left can be erased again."""
    _ask(operator)
    outcome = """{"objects": {"raw": 2}, "rows": {"image": 1}, "label_files": 1, "copied_elsewhere": [],
        "files_of_unknown_patients": 0, "frozen_exports": ["chest v2"], "other_spaces": [], "backups": [],
        "locked": [
            {"bucket": "raw", "versions": 3, "until": "2030-01-02T00:00:00+00:00", "legal_holds": 0}]}"""
    patients.database.run(
        "update erasure_request set attempts = 2, state = 'done', finished_at = now(), outcome = %(outcome)s",
        outcome=outcome,
    )
    text = operator.get("/erasures/").text
    for words in (
        "Erasure 1: not complete",
        "after 2 attempts",
        "2 object(s) deleted in raw",
        "NOT DELETED: a lock holds 3 version(s) in raw, until 2030-01-02 00:00 UTC",
        "Frozen training set that holds the patient: chest v2",
        "<button>Erase again",
    ):
        assert words in text, words
    _ask(operator, why="Again.")
    assert "<button>Erase again" not in operator.get("/erasures/").text


def test_erasures_come_in_pages(patients: PageBench, operator: SignedIn) -> None:
    """The newest first."""
    patients.database.run(
        "insert into erasure_request (patient_id, who, why, state) "
        "select 'P' || lpad(n::text, 20, '0'), 'olga', 'x', 'done' from generate_series(1, 25) n"
    )
    first, second = operator.get("/erasures/").text, operator.get("/erasures/?before=6").text
    assert ("Erasure 25: " in first, "Erasure 5: " in first, "/erasures/?before=6" in first) == (
        True,
        False,
        True,
    )
    assert ("Erasure 5: " in second, "Erasure 6: " in second) == (True, False)
