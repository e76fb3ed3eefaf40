"""Rules and dashboards ask only for what the platform measures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.runtime import metrics

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
RULES = sorted((DEPLOY / "prometheus").glob("*.yaml"))
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
ASKED = re.compile(r"\b(liandong_[a-z_]+)(?:\{([^}]*)\})?")
BY = re.compile(r"\bby \(([^)]*)\)")
WORD = re.compile(r"([a-z_]+)\s*=~?")


def measured() -> dict[str, set[str]]:
    """Return every series the platform shows, with its labels."""
    found: dict[str, set[str]] = {}
    for name in metrics.__all__:
        each = getattr(metrics, name)
        for family in each.describe() if hasattr(each, "describe") and name != "REGISTRY" else ():
            labels = set(each._labelnames)  # noqa: SLF001 - a parent without children shows none
            suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
            for suffix in suffixes.get(family.type, [""]):
                found[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return found


def questions() -> Iterator[tuple[str, str]]:
    """Yield file and expression of every rule and panel."""
    for path in RULES:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            yield from ((path.name, rule["expr"]) for rule in group["rules"])
    for path in DASHBOARDS:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        for panel in content["panels"]:
            yield from ((path.name, target["expr"]) for target in panel["targets"])


@pytest.mark.parametrize(("file", "expression"), list(questions()))
def test_a_question_names_declared_metrics_and_their_labels(file: str, expression: str) -> None:
    """A renamed metric must not leave an alert that never fires."""
    known = measured()
    asked = ASKED.findall(expression)
    grouped = {w.strip() for words in BY.findall(expression) for w in words.split(",")}

    assert asked, f"{file}: {expression} asks for nothing of ours"
    assert [] == [name for name, _ in asked if name not in known]
    assert [] == [w for name, labels in asked for w in WORD.findall(labels) if w not in known[name]]
    assert [] == [w for w in grouped if not any(w in known[name] for name, _ in asked)]


def test_surge_calls_and_open_incidents_are_shown() -> None:
    """What the live picture is for stands on the dashboard, and a surge alarms."""
    names = {name for _, expression in questions() for name, _ in ASKED.findall(expression)}
    alerts = [
        rule.get("alert")
        for path in RULES
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
    ]

    assert "CallSurge" in alerts
    assert {
        "liandong_live_calls_per_minute",
        "liandong_live_open_incidents",
        "liandong_live_surge",
    } <= names
