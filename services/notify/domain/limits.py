"""The time limit an order names, so that the team knows what it is measured by (R01-R04)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from services.notify.domain.texts import minutes_text
from shared.contracts.incident import Assignment, Incident, Relation
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind

_SAID = {ClockKind.ARRIVAL: "内到场", ClockKind.ASSEMBLY: "内集结完毕"}


def limit_text(pack: Pack, incident: Incident, duty: Assignment, started: datetime) -> str:
    """Return `，20分钟内到场`, the assembly limit, or nothing: where S1 sets no limit none is said."""
    # the same few combinations come again and again, and matching walks all rules
    minute = started.replace(second=0, microsecond=0)
    return _matched(pack, minute, incident.category, incident.severity, duty.unit, duty.relation)


@lru_cache(maxsize=4096)
def _matched(
    pack: Pack, started: datetime, category: str, severity: int, unit: str, relation: Relation
) -> str:
    for clock, said in _SAID.items():
        rule = pack.clock_rule(
            clock, started, category=category, severity=severity, unit=unit, relation=relation
        )
        if rule is not None and rule.judged:
            return f"，{minutes_text(rule.limit.total_seconds())}{said}"
    return ""
