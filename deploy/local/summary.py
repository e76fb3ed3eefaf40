"""What a demo ends with: the counts of summary.json, and the table a person reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.table import Table

from deploy.local.following import Offence, Trail
from deploy.local.records import Journal, Records
from shared.contracts import ids
from shared.contracts.incident import Incident, StampKind
from shared.contracts.notice import NoticeState, Purpose
from shared.contracts.sla import Clock

_DELIVERED = (NoticeState.DELIVERED, NoticeState.ACKNOWLEDGED)
_FAILED = (NoticeState.FAILED, NoticeState.GIVEN_UP)
_STAMPS = {
    "sent": StampKind.SENT,
    "acked": StampKind.ACKED,
    "arrived": StampKind.ARRIVED,
    "ended": StampKind.ENDED,
    "fed_back": StampKind.FED_BACK,
}


def summary(
    journal: Journal,
    records: Records,
    clocks: Sequence[Clock],
    trail: Trail,
    *,
    dead_letters: int,
    tables: Sequence[str],
) -> dict[str, Any]:
    """Return what summary.json holds; where something is lost or doubled, its ids as well."""
    took = latencies(journal)
    found: dict[str, Any] = {
        "calls": _calls(journal),
        "incidents": len(records.incidents),
        "assignments": _assignments(records.incidents.values()),
        "clocks": _clocks(clocks),
        "notices": {
            "delivered": sum(row.state in _DELIVERED for row in records.ledger),
            "failed": sum(row.state in _FAILED for row in records.ledger),
            "repeated": sum(seen.times - 1 for seen in journal.notices.values()),
        },
        "dead_letters": dead_letters,
        "lost": len({offence.id for offence in trail.lost}),
        "doubled": len({offence.id for offence in trail.doubled}),
        "latency_ms": {"p50": _percentile_ms(took, 50), "p99": _percentile_ms(took, 99)},
        "tables": list(tables),
    }
    if trail.lost or trail.doubled:
        found["offending"] = {"lost": _listed(trail.lost), "doubled": _listed(trail.doubled)}
    return found


def latencies(journal: Journal) -> list[float]:
    """Return wall seconds from posting an opening call to its first order at a webhook, sorted."""
    first: dict[UUID, float] = {}
    for seen in journal.notices.values():
        if seen.channel == "webhook" and seen.purpose == Purpose.DISPATCH:
            known = first.get(seen.incident_id, seen.first_at)
            first[seen.incident_id] = min(known, seen.first_at)
    posted: dict[UUID, float] = {}
    for call in journal.calls.values():
        if call.call_id is not None:
            opened = ids.incident_id(call.call_id)
            posted[opened] = min(posted.get(opened, call.sent_at), call.sent_at)
    return sorted(at - posted[incident] for incident, at in first.items() if incident in posted)


def write(folder: Path, content: Mapping[str, Any]) -> Path:
    """Write summary.json into *folder* and return its path."""
    path = folder / "summary.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return path


def shown(content: Mapping[str, Any], notes: Mapping[str, object]) -> Table:
    """Return the summary as a table; *notes* are told beside what summary.json holds."""
    table = Table(title="演练小结 · summary", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column()
    for name, value in content.items():
        if name not in ("tables", "offending"):
            table.add_row(name.replace("_", " "), _text(value))
    for name, note in notes.items():
        table.add_row(name, str(note))
    return table


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return "  ".join(f"{name.replace('_', ' ')} {count}" for name, count in value.items())
    return str(value)


def _calls(journal: Journal) -> dict[str, int]:
    records = [call for call in journal.calls.values() if call.feed == "calls"]
    answers = Counter(call.answered for call in records)
    return {"sent": len(records)} | {
        answer: answers[answer] for answer in ("accepted", "repeated", "rejected")
    }


def _assignments(incidents: Iterable[Incident]) -> dict[str, int]:
    duties = {a.assignment_id: a for incident in incidents for a in incident.assignments}
    return {
        name: sum(duty.stamp(kind) is not None for duty in duties.values())
        for name, kind in _STAMPS.items()
    }


def _clocks(clocks: Sequence[Clock]) -> dict[str, int]:
    """A corrected clock counts as breached too: the breach is never deleted (DOMAIN §3, 19)."""
    return {
        "started": len(clocks),
        "met": sum(clock.state == "met" for clock in clocks),
        "breached": sum(clock.breached_at is not None for clock in clocks),
        "corrected": sum(clock.corrected for clock in clocks),
    }


def _percentile_ms(ordered: Sequence[float], percent: int) -> float | None:
    """Nearest rank (FIGURES); None where nothing was measured."""
    if not ordered:
        return None
    rank = max(1, -(-len(ordered) * percent // 100))
    return round(ordered[rank - 1] * 1000, 1)


def _listed(offences: Iterable[Offence]) -> list[dict[str, str]]:
    return [{"id": each.id, "stage": each.stage, "what": each.what} for each in offences]
