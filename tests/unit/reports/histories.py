"""Some periods of believable facts, the same for the same seed: units, clocks, calls of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any

from services.reports.domain.facts import Facts
from services.reports.domain.period import Period
from tests.unit.reports.cases import a_call, a_clock, a_duty, facts, opened, xianju

KINDS: Mapping[str, float] = {
    "traffic.collision.damage": 30,
    "traffic.jam": 12,
    "order.dispute": 9,
    "order.noise": 8,
    "help.medical": 7,
    "livelihood.consult": 14,
    "livelihood.complaint": 8,
    "fire.building.home": 2,
    "disaster.flood": 0.5,
    "unclassified": 3,
}
LINES = {"traffic": "122", "fire": "119", "livelihood": "12345", "unclassified": "12345"}
LIMITS = {"ack": 3, "arrival": 20, "assembly": 15, "feedback": 24 * 60, "handle": 8 * 60}
RULES = {"ack": "R12", "arrival": "R01", "assembly": "R03", "feedback": "R07", "handle": "H01"}


def history(
    of: Period,
    calls: int,
    *,
    more: Mapping[str, float] | None = None,
    slower: float = 1.0,
    seed: int = 1,
) -> Facts:
    """Return the facts of *of*: about half of *calls* valid, kinds weighted by *more*."""
    draw = Random(f"{of.label}/{seed}")
    weights = [w * (more or {}).get(kind.split(".")[0], 1) for kind, w in KINDS.items()]
    pack = xianju()
    units, areas = [unit.id for unit in pack.units], [area.code for area in pack.areas]
    found: list[Any] = []
    for n in range(calls):
        kind = draw.choices([*KINDS], weights)[0]
        at = of.start + draw.random() * (of.end - of.start - timedelta(hours=36))
        at = at.replace(microsecond=0)
        line = LINES.get(kind.split(".", maxsplit=1)[0], "110")
        area = areas[min(int(draw.expovariate(0.2)), len(areas) - 1)]
        call = a_call((of.label, seed, n), at, category=kind, line=line, area=area)
        if draw.random() < 0.5:
            found += [call, opened(call, state="invalid")]
            continue
        severity = draw.choices([1, 2, 3, 4], [0.3, 1, 20, 78])[0]
        found += [call, opened(call, state="closed", severity=severity)]
        found += _duty((of.label, seed, n), call, units, draw, slower)
    return facts(*found, read_at=of.end + timedelta(days=3))


def _duty(name: object, call: Any, units: list[str], draw: Random, slower: float) -> list[Any]:
    unit = units[min(int(draw.expovariate(0.15)), len(units) - 1)]
    same: dict[str, Any] = {"unit": unit, "incident_id": call.opens}
    away = "arrival" if draw.random() < 0.7 else "assembly"
    clocks = []
    for kind in ("ack", away, "feedback", "handle"):
        limit = timedelta(minutes=LIMITS[kind])
        took = limit * draw.lognormvariate(-0.9, 0.6) * slower if draw.random() > 0.02 else None
        due = call.received_at + limit
        rule = RULES[kind]
        clocks.append(a_clock(name, kind, due=due, limit=limit, took=took, rule=rule, **same))
    arrived = call.received_at + timedelta(minutes=9) if draw.random() > 0.05 else None
    ended = call.received_at + timedelta(hours=1)
    rework = int(draw.random() < 0.02)
    return [*clocks, a_duty(name, arrived_at=arrived, ended_at=ended, rework=rework, **same)]
