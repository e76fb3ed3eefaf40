"""Reads the facts of a period, as they are now or as they were at the end of an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.reports.adapters.fact_tables import TABLES
from services.reports.domain.facts import (
    AssignmentFact,
    CallFact,
    ClockFact,
    Facts,
    IncidentFact,
    LinkFact,
    NoticeFact,
    Population,
    RejectionFact,
)
from services.reports.domain.later_facts import (
    AppealFact,
    CallBackFact,
    DeferralFact,
    RepeatFact,
    RosterFact,
    SupervisionFact,
    UpwardReportFact,
)
from services.reports.domain.period import Period
from services.reports.ports import Fact
from shared.runtime.database import Database

NOW = 2**31 - 1
"""Later than any epoch."""


def _current(kind: type[Fact], alias: str) -> str:
    """Return the condition that a row is its key's newest up to epoch $3.

    By version first: what a zombie says late (rule 5) may open a row of a later epoch.
    """
    table, key = TABLES[kind]
    same = " and ".join(f"n.{name} = {alias}.{name}" for name in key)
    newer = f"(n.version, n.epoch) > ({alias}.version, {alias}.epoch)"
    return (
        f"{alias}.epoch <= $3 and not exists (select 1 from {table} n where {same}"
        f" and {newer} and n.epoch <= $3)"
    )


def _columns(kind: type[Fact], alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in kind._fields)


_IN_PERIOD = f"select c.* from call_fact c where c.received_at >= $1 and c.received_at < $2 and {_current(CallFact, 'c')}"
_DUE = (
    f"select k.* from clock_fact k where k.due >= $1 and k.due < $2 and {_current(ClockFact, 'k')}"
)

_CALL_BACK_IN = f"select c.* from call_back_fact c where c.at >= $1 and c.at < $2 and {_current(CallBackFact, 'c')}"
_WHEN = "coalesce(u.due, u.submitted_at)"
_REPORT_IN = f"""
select u.* from upward_report_fact u
where {_WHEN} >= $1 and {_WHEN} < $2 and {_current(UpwardReportFact, "u")}"""
_SUPERVISED_IN = f"""
select s.* from supervision_fact s
where s.opened_at >= $1 and s.opened_at < $2 and {_current(SupervisionFact, "s")}"""

_CALLS = f"select {_columns(CallFact, 'p')} from ({_IN_PERIOD}) p order by p.received_at, p.call_id"
_CLOCKS = (
    f"select {_columns(ClockFact, 'd')} from ({_DUE}) d order by d.due, d.clock_id, d.incident_id"
)
_LINKS = f"""
select {_columns(LinkFact, "l")} from call_link l where l.epoch <= $3
  and l.call_id in (select p.call_id from ({_IN_PERIOD}) p)
order by l.call_id, l.incident_id"""
_INCIDENTS = f"""
select {_columns(IncidentFact, "i")} from incident_fact i where {_current(IncidentFact, "i")}
  and i.incident_id in (
    select p.opens from ({_IN_PERIOD}) p union select d.incident_id from ({_DUE}) d
    union select b.incident_id from ({_CALL_BACK_IN}) b
    union select r.incident_id from ({_REPORT_IN}) r
    union select v.incident_id from ({_SUPERVISED_IN}) v)
order by i.incident_id"""
_ASSIGNMENTS = f"""
select {_columns(AssignmentFact, "a")} from assignment_fact a
where {_current(AssignmentFact, "a")}
  and a.assignment_id in (select d.assignment_id from ({_DUE}) d where d.assignment_id is not null)
order by a.assignment_id, a.incident_id"""
_REJECTIONS = f"""
select {_columns(RejectionFact, "r")} from rejection_fact r
where r.rejected_at >= $1 and r.rejected_at < $2 and {_current(RejectionFact, "r")}
order by r.rejected_at, r.rejection_id"""
_REPEATS = f"""
select {_columns(RepeatFact, "l")} from call_repeat l where l.epoch <= $3
  and l.call_id in (select p.call_id from ({_IN_PERIOD}) p)
order by l.call_id, l.again_id"""
_DUTIES_DUE = f"select d.assignment_id from ({_DUE}) d"
_CALL_BACKS = f"""
select {_columns(CallBackFact, "b")} from ({_CALL_BACK_IN}) b
order by b.at, b.call_back_id, b.incident_id"""
_APPEALS = f"""
select {_columns(AppealFact, "a")} from appeal_fact a where {_current(AppealFact, "a")}
  and (a.asked_at >= $1 and a.asked_at < $2 or a.assignment_id in ({_DUTIES_DUE})
    or a.assignment_id in (select b.assignment_id from ({_CALL_BACK_IN}) b
      where b.assignment_id is not null)
    or a.incident_id in (select r.incident_id from ({_REPORT_IN}) r))
order by a.asked_at, a.appeal_id, a.incident_id"""
_DEFERRALS = f"""
select {_columns(DeferralFact, "f")} from deferral_fact f where {_current(DeferralFact, "f")}
  and f.assignment_id in ({_DUTIES_DUE})
order by f.asked_at, f.deferral_id, f.incident_id"""
_REPORTS = f"""
select {_columns(UpwardReportFact, "r")} from ({_REPORT_IN}) r
order by coalesce(r.due, r.submitted_at), r.report_id, r.incident_id"""
_SUPERVISIONS = f"""
select {_columns(SupervisionFact, "v")} from ({_SUPERVISED_IN}) v
order by v.opened_at, v.supervision_id, v.incident_id"""
_ROSTERS = f"""
select {_columns(RosterFact, "o")} from roster_fact o
where o.begins < $2 and o.ends > $1 and {_current(RosterFact, "o")}
order by o.unit, o.begins, o.roster_id"""
_NOTICES = f"""
select {_columns(NoticeFact, "n")} from notice_fact n
where n.queued_at >= $1 and n.queued_at < $2 and {_current(NoticeFact, "n")}
order by n.queued_at, n.notice_id"""
SELECTS: Mapping[type[Fact], str] = {
    CallFact: _CALLS,
    LinkFact: _LINKS,
    IncidentFact: _INCIDENTS,
    AssignmentFact: _ASSIGNMENTS,
    ClockFact: _CLOCKS,
    NoticeFact: _NOTICES,
    AppealFact: _APPEALS,
}
"""What is read of each kind: $1 and $2 bound the period, $3 is the newest epoch that counts."""
READ_AT = "select coalesce((select at from epoch_end where number = $1), platform.now())"
HEARD = "select exercise, max(at) as at from heard group by exercise"


class FactReader:
    """The source on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, period: Period, *, as_of_epoch: int | None = None) -> Facts:
        """Return the facts of *period* from one snapshot of the database.

        `as_of_epoch`: only what was known when that epoch ended, `read_at` being that instant.
        """
        epoch = NOW if as_of_epoch is None else as_of_epoch
        bounds = (period.start, period.end, epoch)
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):

            async def rows(kind: Any, sql: str) -> list[Any]:
                return [kind(*row) for row in await connection.fetch(sql, *bounds)]

            heard = await connection.fetch(HEARD)
            return Facts(
                calls=await rows(CallFact, _CALLS),
                incidents=await rows(IncidentFact, _INCIDENTS),
                links=await rows(LinkFact, _LINKS),
                assignments=await rows(AssignmentFact, _ASSIGNMENTS),
                clocks=await rows(ClockFact, _CLOCKS),
                rejections=await rows(RejectionFact, _REJECTIONS),
                repeats=await rows(RepeatFact, _REPEATS),
                call_backs=await rows(CallBackFact, _CALL_BACKS),
                appeals=await rows(AppealFact, _APPEALS),
                deferrals=await rows(DeferralFact, _DEFERRALS),
                reports=await rows(UpwardReportFact, _REPORTS),
                supervisions=await rows(SupervisionFact, _SUPERVISIONS),
                rosters=await rows(RosterFact, _ROSTERS),
                heard={Population.of(exercise=h["exercise"]): h["at"] for h in heard},
                read_at=await connection.fetchval(READ_AT, epoch),
            )
