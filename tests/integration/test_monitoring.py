"""Every metric in the alert rules and the dashboard is exported by a running home, with these labels."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import urllib3
import yaml
from click.testing import CliRunner
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from infra.cli import cli
from tests.support.local_home import RunningHome, wait_for
from tests.support.monitoring import expressions
from tests.support.promql import Matcher, parse
from tests.support.real_files import make_instance
from tests.support.repository import ROOT

_PROMETHEUS_OWN = {"up"}
Samples = dict[str, list[dict[str, str]]]  # the labels of each sample, by name


def test_every_metric_is_exported(home: RunningHome) -> None:
    """By a function or by MinIO; gauges also have the values of labels that are asked for."""
    home.put("incoming/monitoring/1.dcm", make_instance(1, patient=977))
    home.settled("extract", "incoming/monitoring/1.dcm")
    home.wait_until_idle()
    home.rows("select count_quality_weeks(0)")
    queries = [parse(expression) for expression in expressions()]
    names = {name for query in queries for name, _ in query.selectors} - _PROMETHEUS_OWN
    samples: Samples = {}

    def all_exported() -> bool:  # the first comparison of rows and objects begins some sweeps after the start
        samples.update(_samples(home))
        return names <= samples.keys()

    assert wait_for(all_exported, seconds=60), names - samples.keys()
    for query in queries:
        known = {label for name, _ in query.selectors for each in samples.get(name, ()) for label in each}
        assert query.groups <= known | {"le"}
        for name, matchers in query.selectors:
            if name not in _PROMETHEUS_OWN:
                assert _has(samples[name], matchers, is_counter=name.endswith("_total")), (name, matchers)


def test_prometheus_finds_every_function(home: RunningHome) -> None:
    """Each function that can work is a target under a name of its own; both files are the owner's alone."""
    groups = json.loads((home.folder / "prometheus" / "functions.json").read_text())
    urls = {name: url for name, url in home.endpoints["functions"].items() if name != "poll_nas"}
    assert {f"http://{group['targets'][0]}/" for group in groups} == set(urls.values())
    names = [group["labels"]["instance"].partition(" at ")[0] for group in groups]
    assert sorted(urls) == sorted(names)
    modes = {path.stat().st_mode & 0o777 for path in (home.folder / "prometheus").iterdir()}
    assert {0o600} == modes


def _has(samples: list[dict[str, str]], matchers: tuple[Matcher, ...], *, is_counter: bool) -> bool:
    """Whether a sample has the labels. A counter has a value of a label only after such an event."""
    if is_counter:
        return all(any(label in each for each in samples) for label, _, _ in matchers)
    return any(
        all(re.fullmatch(value, each.get(label, "")) for label, _, value in matchers) for each in samples
    )


def _samples(home: RunningHome) -> Samples:
    found: Samples = defaultdict(list)
    for family in _families(home):
        for sample in family.samples:
            found[sample.name].append(sample.labels)
    return dict(found)


def _families(home: RunningHome) -> Iterator[Metric]:
    """What a Prometheus with the file infra/monitoring/prometheus.yml is told."""
    (job,) = yaml.safe_load((ROOT / "infra" / "monitoring" / "prometheus.yml").read_text())["scrape_configs"]
    (targets,) = job["file_sd_configs"][0]["files"]
    files = {Path(targets).name, Path(job["authorization"]["credentials_file"]).name}
    assert files == {path.name for path in (home.folder / "prometheus").iterdir()}
    token = (home.folder / "prometheus" / "token").read_text()
    for group in json.loads((home.folder / "prometheus" / "functions.json").read_text()):
        (address,) = group["targets"]
        yield from _scraped(f"http://{address}/metrics", token)
    minio = home.endpoints["minio"]
    token = CliRunner().invoke(cli, ["store-token", "--home", str(home.folder), "--days", "1"]).output.strip()
    yield from _scraped(f"http://{minio['endpoint']}/minio/v2/metrics/cluster", token)


def _scraped(url: str, token: str) -> list[Metric]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = urllib3.request("GET", url, headers=headers, timeout=10, retries=False)
    assert 200 == answer.status, (url, answer.status)
    return list(text_string_to_metric_families(answer.data.decode()))
