"""Reads what the live picture begins with from the facts: recent calls, what is open, history by hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.reports.domain.facts import Population
from services.reports.domain.live_baseline import HOURS_OF_WEEK, Baseline, HourCount, fit
from services.reports.domain.live_calls import CallSeen
from services.reports.domain.live_open import CLOSED, OUT, IncidentSeen
from shared.contracts.incident import IncidentState
from shared.contracts.pack import Pack
from shared.runtime.database import Database

_NEWEST = (
    "not exists (select 1 from {table} n where n.{key} = f.{key} {also}"
    " and (n.version, n.epoch) > (f.version, f.epoch))"
)
_CALL = _NEWEST.format(table="call_fact", key="call_id", also="")
_INCIDENT = _NEWEST.format(table="incident_fact", key="incident_id", also="")
_DUTY = _NEWEST.format(
    table="assignment_fact", key="assignment_id", also="and n.incident_id = f.incident_id"
)

_CALLS = f"""
select f.call_id, f.version, f.line, f.area, f.received_at, f.exercise, f.withdrawn or f.test as out
from call_fact f where f.received_at >= $1 and {_CALL} order by f.received_at, f.call_id"""
_INCIDENTS = f"""
select f.incident_id, f.version, f.state, f.exercise, f.test from incident_fact f
where (f.state <> all($1::text[]) or f.incident_id = any($2::uuid[])) and {_INCIDENT}
order by f.incident_id"""
_UNITS_OUT = f"""
select f.incident_id, f.unit from assignment_fact f where f.state = any($1::text[]) and {_DUTY}"""
_HISTORY = f"""
select f.line, f.area, date_trunc('hour', f.received_at) as start, count(*) as calls
from call_fact f
where f.received_at >= $1 and f.received_at < $2 and f.exercise = $3
  and not f.withdrawn and not f.test and {_CALL}
group by 1, 2, 3 order by 3, 1, 2"""
_FIRST = "select min(received_at) as at from call_fact where received_at >= $1 and exercise = $2"


class PostgresLiveFacts:
    """The facts of `services.reports` as the live picture wants them; reads only."""

    def __init__(self, database: Database, pack: Pack) -> None:
        self._database, self._pack = database, pack

    async def calls(self, since: datetime) -> Sequence[CallSeen]:
        """Return the newest revision of every call received at or after *since* (UTC)."""
        rows = await self._database.fetch(_CALLS, since)
        return [
            CallSeen(
                row["call_id"],
                row["version"],
                row["line"],
                row["area"],
                row["received_at"],
                Population.of(exercise=row["exercise"]),
                counts=not row["out"],
            )
            for row in rows
        ]

    async def incidents(self, known: Sequence[UUID]) -> Sequence[IncidentSeen]:
        """Return the newest snapshot of what is open, and of *known* whatever their state."""
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            rows = await connection.fetch(_INCIDENTS, sorted(CLOSED), list(known))
            out: dict[UUID, set[str]] = {row["incident_id"]: set() for row in rows}
            for duty in await connection.fetch(_UNITS_OUT, sorted(OUT)):
                if duty["incident_id"] in out:
                    out[duty["incident_id"]].add(duty["unit"])
        return [
            IncidentSeen(
                row["incident_id"],
                row["version"],
                IncidentState(row["state"]),
                Population.of(exercise=row["exercise"]),
                frozenset(out[row["incident_id"]]),
                counts=not row["test"],
            )
            for row in rows
        ]

    async def baseline(self, population: Population, now: datetime) -> Baseline | None:
        """Return what is usual by the pack's weeks of history, None while there are too few."""
        surge, exercise = self._pack.surge, population is Population.EXERCISE
        begin = now - timedelta(weeks=surge.history_weeks)
        first = (await self._database.fetch(_FIRST, begin, exercise))[0]["at"]
        if first is None or now - first < timedelta(weeks=surge.least_weeks):
            return None
        # history counts from its first call on, in whole weeks: each hour of the week equally often
        weeks = int((now - first) / timedelta(hours=HOURS_OF_WEEK))
        end = now.replace(minute=0, second=0, microsecond=0)
        start = end - timedelta(weeks=weeks)
        rows = await self._database.fetch(_HISTORY, start, end, exercise)
        counts = [HourCount(row["line"], row["area"], row["start"], row["calls"]) for row in rows]
        areas = [area.code for area in self._pack.areas]
        return fit(counts, start, end, self._pack.region.zone, areas)
