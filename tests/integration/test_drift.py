"""Sums of verdicts by week, on a real database, and the command that reads them."""

import json

import psycopg
import pytest
from click.testing import CliRunner

from common.database import Database
from functions.sweep.ledger_gauges import ledger_gauges
from infra.cli import cli
from model.artefact import load_quality_model
from model.card import DEFAULT_MODEL
from tests.support.set_rows import SetImage
from tests.support.training_set_site import Site

_JUDGED = """
update verdict set model_version = %s, features = '{"noise": 0.2}',
    score = 0.001 + mod(('x' || left(md5(sop_instance_uid), 4))::bit(16)::int, 100) / 1000.0,
    checked_at = now() - make_interval(
        days => 7 * mod(('x' || left(md5(sop_instance_uid), 4))::bit(16)::int, 4))
"""
_WORSE = """
update verdict set by_model = 'low_quality', verdict = 'low_quality', score = 0.9
where checked_at > now() - interval '1 hour' and left(md5(sop_instance_uid), 1) < '8'
"""


@pytest.fixture
def judged(site: Site) -> Site:
    """Good CT images of 400 patients, checked in four weeks."""
    site.add_rows([SetImage(1 + n, modality="CT") for n in range(400)])
    with psycopg.connect(site.url) as connection:
        connection.execute("update extraction set modality = 'CT'")
        connection.execute(_JUDGED, [load_quality_model(DEFAULT_MODEL).version])
    return site


def count(site: Site, pause: float = 0) -> bool:
    """Count the weeks as the sweep does."""
    with psycopg.connect(site.url) as connection:
        row = connection.execute("select count_quality_weeks(%s)", [pause]).fetchone()
        return bool(row and row[0])


def test_weeks_are_counted_and_earlier_ones_stay(judged: Site) -> None:
    """All weeks are counted first; later only the last two, so earlier numbers outlive another check."""
    assert count(judged)
    assert not count(judged, 600)
    weeks = judged.rows("select week, patients, good, features->'noise' from quality_week order by week")
    assert (4, 400, 400) == (len(weeks), sum(row[1] for row in weeks), sum(row[2] for row in weeks))
    assert {(0.2, 0.2, 0.2)} == {tuple(row[3]) for row in weeks}
    scores = judged.rows("select sum(n::int) from quality_week, jsonb_each_text(scores) as each (bin, n)")
    assert [(400,)] == scores
    with psycopg.connect(judged.url) as connection:
        connection.execute("update verdict set checked_at = now()")
    assert count(judged)
    again = judged.rows("select week, patients from quality_week order by week")
    assert [row[:2] for row in weeks[:2]] == again[:2]
    assert 400 == again[-1][1]


def test_a_week_that_differs_is_told(judged: Site) -> None:
    """The command, the status and the metrics tell that more images were rejected this week."""
    count(judged)
    assert "Nothing differs" in run(judged)
    with psycopg.connect(judged.url) as connection:
        connection.execute(_WORSE)
    count(judged)
    (found,) = json.loads(run(judged, "--json"))
    assert ("CT", None, 0.0) == (found["modality"], found["device"], found["rejected_before"])
    assert found["rejected"] > 0.3
    assert any("rejected, 0% in the weeks before" in words for words in found["findings"])
    status = CliRunner().invoke(cli, ["status", "--home", str(judged.folder)])
    assert "See dcm2set quality drift." in status.output
    database = Database(judged.url)
    metrics = {metric.name: metric for metric in ledger_gauges(database)()}
    database.close()
    shares = {sample.labels["verdict"]: sample.value for sample in metrics["dcm2set_quality_share"].samples}
    assert found["rejected"] == pytest.approx(shares["low_quality"])
    assert 1 == pytest.approx(sum(shares.values()))


def run(site: Site, *words: str) -> str:
    """Run `dcm2set quality drift`; returns what it printed."""
    done = CliRunner().invoke(cli, ["quality", "drift", "--home", str(site.folder), *words])
    assert 0 == done.exit_code, done.output
    return done.output
