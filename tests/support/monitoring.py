"""The alert rules and the dashboard of infra/monitoring, with every expression in them."""

import json
from typing import Any

import yaml

from tests.support.repository import ROOT

FOLDER = ROOT / "infra" / "monitoring"


def rules() -> dict[str, Any]:
    """The alert rules."""
    return dict(yaml.safe_load((FOLDER / "alerts.yml").read_text(encoding="utf-8")))


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    return dict(json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8")))


def expressions() -> list[str]:
    """Every expression of both."""
    alerts = [rule["expr"] for group in rules()["groups"] for rule in group["rules"]]
    targets = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    return [*alerts, *targets]
