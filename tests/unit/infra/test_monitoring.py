"""The alert rules and the dashboard are whole: forms, expressions, and commands that exist."""

import re
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator

from infra.cli import cli
from tests.support.monitoring import dashboard, expressions, rules
from tests.support.promql import parse
from tests.support.repository import ROOT


def closed(**members: Any) -> dict[str, Any]:
    """The schema of an object with exactly these members."""
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }


TEXT = {"type": "string", "minLength": 1}
RULE = closed(
    alert={"type": "string", "pattern": "^Dcm2set[A-Za-z]+$"},
    expr=TEXT,
    **{"for": {"type": "string", "pattern": "^[0-9]+[smhdw]$"}},
    labels=closed(severity={"enum": ["critical", "warning", "info"]}),
    annotations=closed(summary=TEXT, action=TEXT),
)
RULE["required"].remove("for")
RULES = closed(groups={"type": "array", "items": closed(name=TEXT, rules={"type": "array", "items": RULE})})
POSITION = closed(x={"minimum": 0}, y={"minimum": 0}, w={"minimum": 1, "maximum": 24}, h={"minimum": 1})
PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "gridPos"],
    "properties": {
        "type": {"enum": ["row", "stat", "timeseries"]},
        "gridPos": POSITION,
        "targets": {
            "items": closed(refId=TEXT, datasource={"type": "object"}, expr=TEXT, legendFormat=TEXT),
            "minItems": 1,
        },
    },
}
DASHBOARD = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "templating", "time"],
    "properties": {"panels": {"type": "array", "items": PANEL, "minItems": 1}},
}


def test_both_files_have_the_right_form() -> None:
    """As Prometheus and Grafana read them; no two alerts and no two panels have one name or place."""
    Draft202012Validator(RULES).validate(rules())
    Draft202012Validator(DASHBOARD).validate(dashboard())
    alerts = [rule["alert"] for group in rules()["groups"] for rule in group["rules"]]
    assert len(alerts) == len(set(alerts))
    panels = dashboard()["panels"]
    assert len(panels) == len({panel["id"] for panel in panels})
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))


@pytest.mark.parametrize("expression", expressions())
def test_expressions_are_read(expression: str) -> None:
    """By a reader that knows only the forms that are used."""
    assert parse(expression).selectors


@pytest.mark.parametrize(
    "wrong", ["sum(", "rat(a[5m])", "a{b=c}", "rate(a[5])", "a)", "sum by (b)", "1 > 0", "a ~ b", "rate"]
)
def test_wrong_expressions_are_refused(wrong: str) -> None:
    """Also by this reader."""
    with pytest.raises(ValueError, match=r"."):
        parse(wrong)


def test_expressions_name_their_metrics() -> None:
    """With selectors and groups."""
    found = parse('sum by (f, g) (rate(a_total{x="1", y=~"2|3"}[5m])) / b offset 1w > 2')
    assert (("a_total", (("x", "=", "1"), ("y", "=~", "2|3"))), ("b", ())) == found.selectors
    assert {"f", "g"} == found.groups


def test_the_document_lists_every_metric_of_ours() -> None:
    """docs/operations.md says what each means, and names both files."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    names = {name for expression in expressions() for name, _ in parse(expression).selectors}
    plain = {re.sub("_(bucket|sum|count)$", "", name) for name in names if name.startswith("dcm2set_")}
    assert set() == {name for name in plain if f"`{name}`" not in text}
    assert {"infra/monitoring/alerts.yml", "infra/monitoring/dashboard.json"} <= set(
        re.findall(r"infra/monitoring/[\w.]+", text)
    )


def test_alerts_name_commands_that_exist() -> None:
    """An operator can type what an alert says."""
    told = [rule["annotations"]["action"] for group in rules()["groups"] for rule in group["rules"]]
    named = re.findall(r"dcm2set ([a-z]+)(?: ([a-z]+))?", " ".join(told))
    assert named
    for command, word in named:
        found = cli.commands[command]
        if isinstance(found, click.Group):
            assert word in found.commands
