"""The JSON API: its answers are those of its document, for everybody whom it says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from functions.review.api import api
from tests.support.page_bench import PageBench, SignedIn

DOCUMENT = json.loads(Path(api.__file__).with_name("openapi.json").read_text(encoding="utf-8"))
PATHS = sorted(path.replace("{item_id}", "1") for path in DOCUMENT["paths"])


def _schema(path: str, status: int) -> dict[str, Any]:
    """The schema of an answer; references lead into the whole document."""
    route = re.sub(r"/[0-9]+$", "/{item_id}", path.partition("?")[0])
    answer = DOCUMENT["paths"][route]["get"]["responses"][str(status)]
    return {**answer["content"]["application/json"]["schema"], "components": DOCUMENT["components"]}


def _get(client: SignedIn, path: str, status: int = 200) -> Any:
    """The answer, which must be as the document says."""
    answer = client.get(path)
    assert (status, "application/json") == (answer.status_code, answer.headers["Content-Type"])
    found = answer.get_json()
    Draft202012Validator(_schema(path, status), format_checker=FormatChecker()).validate(found)
    return found


@pytest.fixture
def filled(bench: PageBench) -> PageBench:
    """Held and quarantined items, verdicts of two weeks, and a frozen version."""
    run = bench.database.run
    run(
        "insert into ledger_item (function, bucket, key, etag, state, cause, device, next_step, settled_at, "
        "text_finding, text_boxes, source) "
        "select 'extract', 'raw', 'nas/SECRET^NAME/' || n, 'e', "
        "case when n < 3 then 'held' else 'quarantined' end, 'why ' || n, 'M 1 512x512', 'look', now(), "
        "'text', '[{\"frame\": 1}]', 'file-' || n from generate_series(1, 6) n"
    )
    run(
        "with f as (insert into source_folder (name) values ('SECRET^NAME') returning id) "
        "insert into source_file (folder_id, path, size, modified_at, state, raw_key, etag, copied_at) "
        "select id, '1', 1, now(), 'copied', 'nas/SECRET^NAME/1', 'e', now() from f"
    )
    run(
        "insert into ledger_attempt (item_id, attempt, state, cause, worker, started_at, ended_at) "
        "values (1, 1, 'retry', 'away', 'w', now(), now())"
    )
    run(
        "insert into quality_week (week, modality, device, model_version, patients, good, review, black, "
        "low_quality, scores, features) select current_date - 7 * n, 'CT', d, 'm', 1, 3, 0, 0, 1, '[]', '{}' "
        "from generate_series(0, 1) n, unnest(array['a', 'b']) d"
    )
    run(
        "insert into training_set_version (name, number, query, options, digest, counts, created_at) "
        "select 'chest', n, 'true', '{}', repeat('a', 64), "
        '\'{"images": 3, "patients": 2, "splits": {"train": {"images": 3}}}\', now() '
        "from generate_series(1, 3) n"
    )
    return bench


def test_the_document_names_every_route_and_no_other(bench: PageBench) -> None:
    """And every operation has a different name."""
    routes = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in bench.application.url_map.iter_rules()
        if rule.rule.startswith("/api/")
    }
    assert routes == set(DOCUMENT["paths"])
    names = [path["get"]["operationId"] for path in DOCUMENT["paths"].values()]
    assert len(names) == len(set(names))


def test_the_document_is_well_formed(bench: PageBench) -> None:
    """OpenAPI 3.1, whose schemas are those of JSON Schema 2020-12; the page gives it as it is."""
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))
    assert references == DOCUMENT["components"]["schemas"].keys()
    for path, methods in DOCUMENT["paths"].items():
        assert ["get"] == list(methods)
        told = {each["name"] for each in methods["get"].get("parameters", ()) if each["in"] == "path"}
        assert told == set(re.findall(r"\{(\w+)\}", path))
    assert DOCUMENT == _get(bench.sign_in(), "/api/openapi.json")


@pytest.mark.parametrize("path", PATHS)
def test_answers_are_as_the_document_says(filled: PageBench, path: str) -> None:
    """On empty tables as well as on these; no name of a folder is told, to whomever."""
    text = json.dumps(_get(filled.sign_in("reviewer", "operator"), path))
    assert "SECRET" not in text


@pytest.mark.parametrize("path", [path for path in PATHS if "items" not in path])
def test_answers_on_empty_tables(bench: PageBench, path: str) -> None:
    """The same document."""
    _get(bench.sign_in("reviewer"), path)


@pytest.mark.parametrize("path", PATHS)
def test_no_answer_without_a_session(bench: PageBench, path: str) -> None:
    """Neither with the token of the functions: it is for events and metrics only."""
    client = bench.application.test_client()
    for headers in ({}, {"Authorization": "Bearer t"}):
        answer = client.get(path, headers=headers)
        assert (401, {"error": "Sign in first."}) == (answer.status_code, answer.get_json())


@pytest.mark.parametrize("roles", [["viewer"], ["operator"]])
def test_only_a_reviewer_reads_what_is_held(filled: PageBench, roles: list[str]) -> None:
    """The others get an error in JSON."""
    _get(filled.sign_in(*roles), "/api/held", 403)
    assert 405 == filled.sign_in("reviewer").post("/api/held").status_code


def test_lists_have_pages(filled: PageBench) -> None:
    """Each entry is on exactly one page."""
    nurse = filled.sign_in("reviewer")
    first = _get(nurse, "/api/quarantine?most=2")
    rest = _get(nurse, f"/api/quarantine?most=2&after={first['next']}")
    assert [4, 6] == [first["next"], rest["items"][-1]["id"]]
    assert rest["next"] is None
    held = _get(nurse, "/api/held?most=1")
    assert [(1, 1)] == [(item["id"], item["folder"]) for item in held["items"]]
    part = _get(nurse, "/api/sets?most=2")
    assert {"after": "chest", "version": 2} == part["next"]
    assert [3] == [each["version"] for each in _get(nurse, "/api/sets?after=chest&version=2")["versions"]]


def test_quality_is_by_modality_and_week(filled: PageBench) -> None:
    """Devices and models are added up."""
    weeks = _get(filled.sign_in(), "/api/quality")["weeks"]
    assert [("CT", 8, 0.25)] * 2 == [(w["modality"], w["images"], w["shares"]["low_quality"]) for w in weeks]


def test_wrong_questions_have_sentences(bench: PageBench) -> None:
    """In JSON, with what is wrong."""
    nurse = bench.sign_in("reviewer")
    for query in ("after=-1", "after=x", "most=1e3", "after=" + "9" * 30):
        assert "is a whole number" in _get(nurse, f"/api/held?{query}", 400)["error"]
    assert {"error": "There is no item 7."} == _get(nurse, "/api/items/7", 404)
    _get(nurse, f"/api/items/{10**30}", 404)
    assert [] == _get(nurse, "/api/sets?after=%00&most=0")["versions"]


def test_a_database_that_is_away_is_told(bench: PageBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With status 503, as the document says; and nothing of an unexpected error is."""
    from common.errors import DependencyAwayError

    def fail(error: Exception) -> Any:
        def raising(*_: object) -> None:
            raise error

        return raising

    nurse = bench.sign_in()
    with monkeypatch.context() as patch:
        patch.setattr(api.api_rows, "overview", fail(DependencyAwayError("The database does not answer.")))
        assert {"error": "The database does not answer."} == _get(nurse, "/api/overview", 503)
        patch.setattr(api.api_rows, "overview", fail(ValueError("SECRET^NAME")))
        answer = nurse.get("/api/overview")
    assert (500, {"error": "Unexpected ValueError; see the log."}) == (answer.status_code, answer.get_json())
