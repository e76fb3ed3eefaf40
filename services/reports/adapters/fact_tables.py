"""Writes facts: one set-based upsert per table, guarded by version, inside the open epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, get_args, get_type_hints
from uuid import UUID

from services.reports.domain.facts import (
    AssignmentFact,
    CallFact,
    ClockFact,
    IncidentFact,
    LinkFact,
    NoticeFact,
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
from services.reports.ports import Fact, Stream
from shared.runtime.store import Work, Write

TABLES: Mapping[type[Fact], tuple[str, tuple[str, ...]]] = {
    CallFact: ("call_fact", ("call_id",)),
    LinkFact: ("call_link", ("call_id", "incident_id")),
    IncidentFact: ("incident_fact", ("incident_id",)),
    AssignmentFact: ("assignment_fact", ("assignment_id", "incident_id")),
    ClockFact: ("clock_fact", ("clock_id", "incident_id")),
    NoticeFact: ("notice_fact", ("notice_id",)),
    RejectionFact: ("rejection_fact", ("rejection_id",)),
    RepeatFact: ("call_repeat", ("call_id", "again_id")),
    CallBackFact: ("call_back_fact", ("call_back_id", "incident_id")),
    AppealFact: ("appeal_fact", ("appeal_id", "incident_id")),
    DeferralFact: ("deferral_fact", ("deferral_id", "incident_id")),
    UpwardReportFact: ("upward_report_fact", ("report_id", "incident_id")),
    SupervisionFact: ("supervision_fact", ("supervision_id", "incident_id")),
    RosterFact: ("roster_fact", ("roster_id",)),
}
"""Table and key of each kind of fact; its columns bear the names of the fields."""

_KINDS = {
    UUID: "uuid",
    str: "text",
    int: "bigint",
    float: "double precision",
    bool: "boolean",
    datetime: "timestamptz",
}


def columns(kind: type[Fact]) -> tuple[tuple[str, str], ...]:
    """Return name and PostgreSQL type of a fact's columns, read off its annotations."""
    return tuple(
        (name, next(_KINDS[each] for each in get_args(hint) or (hint,) if each in _KINDS))
        for name, hint in get_type_hints(kind).items()
    )


def upsert(kind: type[Fact]) -> Write:
    """Return the write of one kind of fact.

    The epoch's row is locked shared, so that a freeze and a batch cannot overlap (and a batch
    that waited for one reads the number after it). A row that says the same already is left
    alone: most snapshots change one duty or clock of many.
    """
    table, key = TABLES[kind]
    names = [name for name, _ in columns(kind)]
    said = [name for name in names if name not in (*key, "version")]
    on_conflict = "nothing"
    if "version" in names:
        sets = ", ".join(f"{name} = excluded.{name}" for name in ("version", *said))
        on_conflict = f"""update set {sets} where f.version < excluded.version
    and ({_of("f", said)}) is distinct from ({_of("excluded", said)})"""
    target = f"({', '.join((*key, 'epoch'))})" if "version" in names else ""
    sql = f"""
{table}_epoch as materialized (select number from epoch for share),
{table}_put as (
  insert into {table} as f (epoch, {", ".join(names)})
  select e.number, {_of("i", names)} from {table}_in i cross join {table}_epoch e
  order by {_of("i", list(key))}
  on conflict {target} do {on_conflict} returning 1),
{table} as (select 1 from {table}_put)"""
    return Write(table, columns(kind), sql, guard=False, row=f"{table}_row")


def _of(alias: str, names: list[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


HEARD = Write(
    "heard",
    (
        ("topic", "text"),
        ("partition", "integer"),
        ("exercise", "boolean"),
        ("at", "timestamptz"),
    ),
    """
heard_set as (
  insert into heard as h (topic, partition, exercise, at)
  select i.topic, i.partition, i.exercise, i.at from heard_in i order by 1, 2, 3
  on conflict (topic, partition, exercise) do update set at = excluded.at
    where h.at < excluded.at returning 1),
heard as (select 1 from heard_set)""",
    guard=False,
    row="heard_row",
)


class FactTables:
    """The sink on PostgreSQL."""

    def __init__(self) -> None:
        self._writes = {kind: upsert(kind) for kind in TABLES}

    def add(self, work: Work, facts: Iterable[Fact]) -> None:
        """Put *facts* into *work*."""
        # hashing a Write for every fact would cost more than the rest of this
        by_kind: dict[type[Fact], list[tuple[Any, ...]]] = {}
        for fact in facts:
            kind = type(fact)
            if kind not in by_kind:
                by_kind[kind] = work.rows.setdefault(self._writes[kind], [])
            by_kind[kind].append(fact)

    def heard(self, work: Work, times: Mapping[Stream, datetime]) -> None:
        """Note the newest event times."""
        for stream, at in times.items():
            work.put(HEARD, *stream, at)
