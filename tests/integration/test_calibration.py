"""Limits from persons' verdicts, by the commands, on a real database."""

import json
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from infra.cli import cli
from model.artefact import load_quality_model
from model.card import DEFAULT_MODEL
from tests.support.set_rows import SetImage
from tests.support.training_set_site import Site

PATIENTS = 210
_SCORES = """
update verdict set model_version = %s,
    score = (('x' || left(md5(sop_instance_uid), 4))::bit(16)::int / 65536.0) ^ 4
"""
_DECIDE = """
insert into overruling (sop_instance_uid, frame, verdict, why, decided_by)
select sop_instance_uid, frame, 'good', 'seen', 'dr' from image_allocation
where split_part(key, '/', 1) <= 'P' || lpad(to_hex(%s::int), 20, '0')
"""


@pytest.fixture
def judged(site: Site) -> Site:
    """Good CT images of many patients, two of each, with scores of the shipped model."""
    site.add_rows([SetImage(1 + n // 2, number=n % 2, modality="CT") for n in range(2 * PATIENTS)])
    with psycopg.connect(site.url) as connection:
        connection.execute("update extraction set modality = 'CT'")
        connection.execute(_SCORES, [load_quality_model(DEFAULT_MODEL).version])
    return site


def decide(site: Site, patients: int) -> None:
    """A person calls all images of the first patients good."""
    with psycopg.connect(site.url) as connection:
        connection.execute(_DECIDE, [patients])


def run(site: Site, command: str, *words: str, code: int = 0) -> str:
    """Run a command of `dcm2set quality`; returns what it printed."""
    done = CliRunner().invoke(cli, ["quality", command, "--home", str(site.folder), *words])
    assert code == done.exit_code, done.output
    return done.output


def test_limits_are_computed_stored_used_and_forgotten(judged: Site) -> None:
    """With enough patients, limits keep the rates, are used by preview once stored, and can be forgotten."""
    decide(judged, 199)
    (found,) = json.loads(run(judged, "calibrate", "--json"))
    assert (398, 199, 199, True) == tuple(
        found[n] for n in ("pictures", "patients", "good_patients", "rejects")
    )
    limits = found["limits"]
    assert 0 < limits["review_from"] < limits["reject_from"] <= 1
    text = run(judged, "calibrate")
    assert "at most 0.5 % are rejected, and at most 3.5 % are rejected or in review" in text
    assert [] == judged.rows("select from site_limits")
    assert "need --why" in run(judged, "calibrate", "--apply", code=2)
    assert "Stored" in run(judged, "calibrate", "--apply", "--why", "200 seen")
    ((modality, review_from, patients, why),) = judged.rows(
        "select modality, review_from, patients, why from site_limits"
    )
    assert ("CT", limits["review_from"], 199, "200 seen") == (modality, review_from, patients, why)
    (found,) = json.loads(run(judged, "calibrate", "--json"))
    assert limits == found["limits_now"]
    assert "valid again: CT" in run(judged, "calibrate", "--forget", "--why", "New device.")
    (found,) = json.loads(run(judged, "calibrate", "--json"))
    assert limits != found["limits_now"]


def test_it_tells_what_would_change(judged: Site) -> None:
    """Images without a person's verdict would change by their stored scores; decided ones never do."""
    decide(judged, 199)
    (found,) = json.loads(run(judged, "calibrate", "--json", "--review-rate", "0.2"))
    limit = found["limits"]["review_from"]
    expected = judged.rows(
        f"select count(*) from verdict v left join overruling o using (sop_instance_uid) "
        f"where o.id is null and v.score >= {limit}"
    )
    assert expected[0][0] == sum(change["images"] for change in found["changes"]) > 0
    assert {"good"} == {change["before"] for change in found["changes"]}


def test_too_few_decided_patients_are_told(judged: Site) -> None:
    """Below 50 patients nothing is calibrated or stored, and the command says how many are missing."""
    assert "begin with dcm2set quality sample" in run(judged, "calibrate")
    decide(judged, 43)
    assert "7 more patient(s) with decided pictures are needed" in run(judged, "calibrate")
    run(judged, "calibrate", "--apply", "--why", "too early")
    assert [] == judged.rows("select from site_limits")
    decide(judged, 60)
    assert "none is rejected by its score (that needs 199 patients" in run(judged, "calibrate")


def test_a_sample_is_random_and_repeatable(judged: Site) -> None:
    """A sample has one picture for each patient, the same for the same seed, and says which are decided."""
    decide(judged, 20)
    drawn = [_sample(judged, seed) for seed in ("0", "0", "1")]
    assert drawn[0] == drawn[1] != drawn[2]
    assert 40 == len({image["key"].split("/")[0] for image in drawn[0]})
    decided = [image["is_decided"] for image in _sample(judged, "0", "210")]
    assert (20, 210) == (sum(decided), len(decided))


def _sample(site: Site, seed: str, number: str = "40") -> list[dict[str, Any]]:
    return json.loads(run(site, "sample", "--modality", "CT", "-n", number, "--seed", seed, "--json"))
