"""The rules of T1-T4 over sets: each fact judged once as the pure functions judge it, then only counted.

Judging says of a call what it counts as and of a time limit how it ended; what a closed month keeps
in its Parquet files are the facts with these words beside them. Counting is then one pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from services.reports.domain.dual_feedback import Given
from services.reports.domain.facts import (
    AssignmentFact,
    CallFact,
    ClockFact,
    IncidentFact,
    LinkFact,
    NoticeFact,
)
from services.reports.domain.standing import Standing
from services.reports.domain.units import FEEDBACK_BANDS_S, NOBODY, SIGN_FOR_BANDS_S
from services.reports.domain.wording import CLOCKS
from shared.contracts.incident import AssignmentState, IncidentState, StampOrigin
from shared.contracts.pack import UnitKind
from shared.contracts.sla import ClockKind, ClockState


class Kind(StrEnum):
    """The facts of a month, by the last word of their address and file."""

    CALLS = "calls"
    LINKS = "links"
    INCIDENTS = "incidents"
    ASSIGNMENTS = "assignments"
    CLOCKS = "clocks"
    NOTICES = "notices"


FACTS: Mapping[Kind, type[Any]] = {
    Kind.CALLS: CallFact,
    Kind.LINKS: LinkFact,
    Kind.INCIDENTS: IncidentFact,
    Kind.ASSIGNMENTS: AssignmentFact,
    Kind.CLOCKS: ClockFact,
    Kind.NOTICES: NoticeFact,
}


class Outcome(StrEnum):
    """How a time limit ended, as known at the cut: each limit has exactly one."""

    ON_TIME = "on_time"
    LATE = "late"
    OPEN = "open"
    EXEMPT = "exempt"
    SUSPENDED = "suspended"
    NOT_YET_DUE = "not_yet_due"
    DONE_EARLY = "done_early"
    LEFT_OUT = "left_out"


WAIVED, REWORKED = "waived", "reworked"
"""What a duty may have beside a Given."""

_TYPES = {
    UUID: "UUID",
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    datetime: "TIMESTAMPTZ",
}


def columns(fact: type[Any]) -> dict[str, type]:
    """Return the fields of a fact with their types; an optional one's is the one it has when known."""
    return {name: _known(hint) for name, hint in get_type_hints(fact).items()}


def _known(hint: Any) -> type:
    choices = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    known: type = next(each for each in choices if each is not type(None))
    return known


def taken(kind: Kind, arrow: str) -> str:
    """Return the statement that makes table *kind* of what is registered as *arrow*."""
    fields = ", ".join(
        f'"{name}"::{_TYPES[known]} AS "{name}"' for name, known in columns(FACTS[kind]).items()
    )
    return f"CREATE OR REPLACE TEMP TABLE {kind} AS SELECT {fields} FROM {arrow}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


_ABSORBED = f"coalesce(i.state = '{IncidentState.DUPLICATE}', false)"
_TEST = "coalesce(i.test, false)"

CALLS = f"""
CREATE OR REPLACE TEMP TABLE judged_calls AS
SELECT c.*,
  CASE WHEN c.test OR {_TEST} THEN '{Standing.TEST}'
    WHEN c.withdrawn THEN '{Standing.INVALID}'
    WHEN i.incident_id IS NULL
      THEN CASE WHEN l.call_id IS NULL THEN '{Standing.VALID}' ELSE '{Standing.DUPLICATE}' END
    WHEN i.state = '{IncidentState.INVALID}' THEN '{Standing.INVALID}'
    WHEN {_ABSORBED} OR i.merged_into IS NOT NULL THEN '{Standing.DUPLICATE}'
    ELSE '{Standing.VALID}' END AS standing,
  coalesce(i.category, c.category) AS counted_category,
  i.affair AS counted_affair,
  coalesce(nullif(i.area, ''), nullif(c.area, ''), '') AS counted_area
FROM calls c LEFT JOIN incidents i ON i.incident_id = c.opens
LEFT JOIN (SELECT DISTINCT call_id FROM links) l ON l.call_id = c.call_id
"""

_OWES_NOTHING = _listed(
    [
        AssignmentState.STANDBY,
        AssignmentState.RELEASED,
        AssignmentState.RETURNED,
        AssignmentState.REASSIGNED,
        AssignmentState.REDUNDANT,
    ]
)
_BY_THE_UNIT = _listed([StampOrigin.UNIT, StampOrigin.FEED])
_BY_THE_DESK = f"'{StampOrigin.DESK}' IN (coalesce(arrived_by, ''), coalesce(ended_by, ''))"

DUTIES = f"""
CREATE OR REPLACE TEMP TABLE duties AS
WITH ranked AS (
  SELECT a.*, row_number() OVER (PARTITION BY a.assignment_id
    ORDER BY {_ABSORBED}, a.version DESC, a.incident_id DESC) = 1 AS counted
  FROM assignments a LEFT JOIN incidents i ON i.incident_id = a.incident_id)
SELECT assignment_id, rework > 0 AS reworked,
  CASE WHEN unit_kind = '{UnitKind.DESK}' THEN NULL
    WHEN waived_at IS NOT NULL THEN '{WAIVED}'
    WHEN arrived_at IS NULL OR ended_at IS NULL THEN
      CASE WHEN state IN ({_OWES_NOTHING}) THEN NULL
        WHEN arrived_at IS NOT NULL THEN '{Given.NO_END}'
        WHEN ended_at IS NOT NULL THEN '{Given.NO_ARRIVAL}' ELSE '{Given.NEITHER}' END
    WHEN {_BY_THE_DESK} OR arrived_late_told OR ended_late_told THEN '{Given.BACK_FILLED}'
    WHEN arrived_by IN ({_BY_THE_UNIT}) AND ended_by IN ({_BY_THE_UNIT}) THEN '{Given.BOTH}'
    ELSE '{Given.AUTOMATIC}' END AS given
FROM ranked WHERE counted
"""

WHO = f"coalesce(nullif(unit, ''), '{NOBODY}')"
_CUT = "CASE WHEN exercise THEN $cut_exercise ELSE $cut_real END"

CLOCKS_JUDGED = f"""
CREATE OR REPLACE TEMP TABLE judged_clocks AS
WITH ranked AS (
  SELECT k.*, i.number AS incident_number, NOT {_TEST} AND k.due >= $start AND k.due < $end
    AND row_number() OVER (PARTITION BY k.clock_id
      ORDER BY {_ABSORBED}, k.version DESC, k.incident_id DESC) = 1 AS counted
  FROM clocks k LEFT JOIN incidents i ON i.incident_id = k.incident_id),
turns AS (
  SELECT *, counted AND assignment_id IS NOT NULL AS owed,
    row_number() OVER (PARTITION BY counted, exercise, kind, assignment_id
      ORDER BY due, clock_id, incident_id) = 1 AS first_of_all,
    row_number() OVER (PARTITION BY counted, exercise, kind, assignment_id, {WHO}
      ORDER BY due, clock_id, incident_id) = 1 AS first_of_unit
  FROM ranked)
SELECT t.* EXCLUDE (owed, first_of_all, first_of_unit),
  CASE WHEN NOT judged OR state IN ('{ClockState.VOID}', '{ClockState.CANCELLED}')
      THEN '{Outcome.LEFT_OUT}'
    WHEN exempt THEN '{Outcome.EXEMPT}'
    WHEN state = '{ClockState.PAUSED}' THEN '{Outcome.SUSPENDED}'
    WHEN due > {_CUT} THEN
      CASE WHEN stopped IS NULL THEN '{Outcome.NOT_YET_DUE}' ELSE '{Outcome.DONE_EARLY}' END
    WHEN stopped IS NULL THEN '{Outcome.OPEN}'
    WHEN stopped <= due THEN '{Outcome.ON_TIME}' ELSE '{Outcome.LATE}' END AS outcome,
  epoch_us(stopped) - epoch_us(started) AS took_us,
  CASE WHEN kind = '{ClockKind.FEEDBACK}' AND due <= {_CUT} THEN d.given
    WHEN kind = '{ClockKind.HANDLE}' AND d.reworked THEN '{REWORKED}' END AS duty,
  (CASE WHEN NOT owed THEN NULL WHEN first_of_all THEN 2 WHEN first_of_unit THEN 1 ELSE 0 END
    )::TINYINT AS turn
FROM turns t LEFT JOIN duties d ON d.assignment_id = t.assignment_id
"""
"""`counted`: due in the month, of no test, of a merge's copies the one that stands. `duty`: what the
duty it runs on has given or had; `turn` 2 the first limit of its kind on that duty, 1 the first of
its unit, 0 a further one, so that a duty counts once in its unit's row and once in the total; none
where T3 does not count it."""

ORDERS: Mapping[Kind, str] = {
    Kind.CALLS: "received_at, call_id",
    Kind.LINKS: "call_id, incident_id",
    Kind.INCIDENTS: "incident_id",
    Kind.ASSIGNMENTS: "unit, assignment_id, incident_id",
    Kind.CLOCKS: "kind, unit NULLS LAST, due, clock_id, incident_id",
    Kind.NOTICES: "queued_at, notice_id",
}
"""How the files are sorted; no two rows are equal by it."""
SORTED = {
    kind: {Kind.CALLS: "judged_calls", Kind.CLOCKS: "judged_clocks"}.get(kind, str(kind))
    for kind in Kind
}
"""Which table each file is written from."""

# -- counting: {calls} and {clocks} are a judged table or the reading of a file ---------------------

_OURS = "exercise = $exercise"
_INSIDE = "received_at >= $start AND received_at < $end"

STANDINGS = f"SELECT {_OURS}, standing, count(*) FROM {{calls}} WHERE {_INSIDE} GROUP BY 1, 2"
"""Whether ours, standing, count."""

CASES = f"""
SELECT counted_category, counted_affair, counted_area, line, {{hour}} AS hour, count(*)
FROM {{calls}} WHERE {_INSIDE} AND {_OURS} AND standing = '{Standing.VALID}'
GROUP BY GROUPING SETS ((counted_category, counted_affair, counted_area), (line), (hour))
"""
"""Category, affair class (none without an incident) and area; or line; or local hour; count.

`hour`: hours of local time since 1970.
"""

_DONE = f"outcome IN ('{Outcome.ON_TIME}', '{Outcome.LATE}')"
# not by assignment_id: sixteen bytes a row that nothing else needs
_COUNTED = f"turn IS NOT NULL AND {_OURS}"
_APART = _listed([ClockKind.ARRIVAL, ClockKind.ASSEMBLY])


def _limit(n: int) -> str:
    return (
        f"CASE kind WHEN '{ClockKind.ACK}' THEN {SIGN_FOR_BANDS_S[n]}000000 "
        f"WHEN '{ClockKind.FEEDBACK}' THEN {FEEDBACK_BANDS_S[n]}000000 END"
    )


_BANDS = ", ".join(
    f"count(*) FILTER (WHERE took_us <= {_limit(n)})" for n in range(len(SIGN_FOR_BANDS_S))
)
ENDED = f"""
SELECT {WHO} AS who, kind, day, outcome, count(*), sum(took_us), max(took_us), {_BANDS}
FROM {{clocks}} WHERE {_COUNTED} GROUP BY 1, 2, 3, 4
"""
"""Unit, kind, by day, outcome, count; microseconds: sum, longest; finished within each band."""

QUANTILES = "quantile_disc(took_us, [0.50, 0.90, 0.95])"
RANKS = f"""
SELECT who, kind, NULL::BOOLEAN AS day, {QUANTILES}
FROM (SELECT {WHO} AS who, kind, took_us FROM {{clocks}} WHERE {_COUNTED} AND {_DONE})
GROUP BY GROUPING SETS ((who, kind), (kind))
UNION ALL
SELECT who, kind, day, {QUANTILES}
FROM (SELECT {WHO} AS who, kind, day, took_us
  FROM {{clocks}} WHERE {_COUNTED} AND {_DONE} AND kind IN ({_APART}))
GROUP BY GROUPING SETS ((who, kind, day), (kind, day))
"""
"""Unit (none: all), kind, by day (none: both), P50, P90, P95 by nearest rank, microseconds."""

GIVEN = f"""
SELECT {WHO} AS who, duty, turn, count(*)
FROM {{clocks}} WHERE duty IS NOT NULL AND turn > 0 AND {_COUNTED} GROUP BY 1, 2, 3
"""
"""Unit, what its duties gave, 2 when the total counts them too, count."""

CENSORED = f"""
SELECT coalesce(incident_number, ''), {WHO}, kind, rule, epoch_us(due)
FROM {{clocks}} WHERE {_COUNTED} AND outcome = '{Outcome.OPEN}' AND kind IN ({_listed(CLOCKS)})
ORDER BY due, clock_id LIMIT $most
"""
"""Incident, unit, kind, rule, due (microseconds since 1970) of the longest overdue."""
