"""The rules of T1-T4 over sets: each fact judged once as the pure functions judge it, then only counted.

Judging says of a call what it counts as and of a time limit how it ended; what a closed month keeps
in its Parquet files are the facts with these words beside them. Counting is then one pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from services.reports.domain.dual_feedback import Given
from services.reports.domain.exemptions import DUAL_FEEDBACK, REWORK
from services.reports.domain.facts import (
    AssignmentFact,
    CallFact,
    ClockFact,
    IncidentFact,
    LinkFact,
    NoticeFact,
)
from services.reports.domain.later_facts import AppealFact
from services.reports.domain.quantities import OTHER, PERCENTS
from services.reports.domain.standing import Standing
from services.reports.domain.units import (
    CENSORED_AT_MOST,
    FEEDBACK_BANDS_S,
    NOBODY,
    SIGN_FOR_BANDS_S,
)
from services.reports.domain.wording import CLOCKS, LINES
from shared.contracts.appeal import AppealState
from shared.contracts.incident import AssignmentState, IncidentState, StampOrigin
from shared.contracts.pack import UnitKind
from shared.contracts.sla import ClockKind, ClockState


class Kind(StrEnum):
    """The facts of a month, by the last word of their address and file.

    The parts are no facts: they name the numbers by which calls and time limits are counted. What
    follows them are the counts themselves, as they stand beside a closed month's facts.
    """

    CALLS = "calls"
    LINKS = "links"
    INCIDENTS = "incidents"
    ASSIGNMENTS = "assignments"
    CLOCKS = "clocks"
    NOTICES = "notices"
    APPEALS = "appeals"
    CALL_PARTS = "call_parts"
    CLOCK_PARTS = "clock_parts"
    CASES = "cases"
    TIMES = "times"
    RESPONSES = "responses"
    LIMITS = "limits"
    GIVEN = "given"
    HANDLED = "handled"
    CENSORED = "censored"


FACTS: Mapping[Kind, type[Any]] = {
    Kind.CALLS: CallFact,
    Kind.LINKS: LinkFact,
    Kind.INCIDENTS: IncidentFact,
    Kind.ASSIGNMENTS: AssignmentFact,
    Kind.CLOCKS: ClockFact,
    Kind.NOTICES: NoticeFact,
    Kind.APPEALS: AppealFact,
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
EXCUSED, REWORK_EXCUSED = "excused", "rework_excused"
"""What a duty may have beside a Given; excused: it would, had no appeal been granted."""

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

_CALL_PART = "exercise, standing, counted_category, counted_affair, counted_area"
_CALL_CUT = "CASE WHEN c.exercise THEN $cut_exercise ELSE $cut_real END"
CALLS = f"""
CREATE OR REPLACE TEMP TABLE standing_calls AS
SELECT c.*, c.received_at >= $start AND c.received_at < $end AS inside,
  CASE WHEN c.test OR {_TEST} THEN '{Standing.TEST}'
    WHEN c.withdrawn THEN '{Standing.INVALID}'
    WHEN i.incident_id IS NULL
      THEN CASE WHEN l.call_id IS NULL THEN '{Standing.VALID}' ELSE '{Standing.DUPLICATE}' END
    WHEN i.state = '{IncidentState.INVALID}' THEN '{Standing.INVALID}'
    WHEN {_ABSORBED} OR i.merged_into IS NOT NULL THEN '{Standing.DUPLICATE}'
    ELSE '{Standing.VALID}' END AS standing,
  coalesce(i.category, c.category) AS counted_category,
  i.affair AS counted_affair,
  coalesce(nullif(i.area, ''), nullif(c.area, ''), '') AS counted_area,
  CASE WHEN i.on_scene_at <= {_CALL_CUT}
    THEN greatest(epoch_us(i.on_scene_at) - epoch_us(c.received_at), 0) END AS response_us
FROM calls c LEFT JOIN incidents i ON i.incident_id = c.opens
LEFT JOIN (SELECT DISTINCT call_id FROM links) l ON l.call_id = c.call_id
"""
CALL_PARTS = f"""
CREATE OR REPLACE TEMP TABLE call_parts AS
SELECT (row_number() OVER (ORDER BY {_CALL_PART}) - 1)::INTEGER AS part, * FROM (
  SELECT DISTINCT {_CALL_PART} FROM standing_calls WHERE inside)
"""
JUDGED_CALLS = f"""
CREATE OR REPLACE TEMP TABLE judged_calls AS
SELECT c.* EXCLUDE (inside), p.part, ({{hour}})::INTEGER AS hour FROM standing_calls c LEFT JOIN call_parts p ON c.inside AND {
    " AND ".join(f"c.{name} IS NOT DISTINCT FROM p.{name}" for name in _CALL_PART.split(", "))
}
"""
"""`part`: the number of what a call counts as; none outside the period. `response_us`: microseconds
until somebody arrived at its incident; none where nobody had by the cut. `hour`: of local time since 1970."""

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

NO_APPEALS = """
CREATE TEMP TABLE IF NOT EXISTS appeals (assignment_id UUID, about VARCHAR, state VARCHAR)
"""
"""For facts that have none at all, as imported history."""
EXEMPTIONS = f"""
CREATE OR REPLACE TEMP TABLE exemptions AS
SELECT DISTINCT assignment_id, unnest(string_split(words, ' ')) AS word FROM (
  SELECT assignment_id, exempt AS words FROM assignments WHERE exempt <> ''
  UNION ALL SELECT assignment_id, about FROM appeals WHERE state = '{AppealState.GRANTED}')
"""
"""What granted appeals exempt: kinds of limits and parts of the assessment, by duty; few rows."""

_EXCUSED = "(SELECT assignment_id FROM exemptions WHERE word = '{}')"
DUTIES = f"""
CREATE OR REPLACE TEMP TABLE duties AS
WITH ranked AS (
  SELECT a.*, row_number() OVER (PARTITION BY a.assignment_id
    ORDER BY {_ABSORBED}, a.version DESC, a.incident_id DESC) = 1 AS counted
  FROM assignments a LEFT JOIN incidents i ON i.incident_id = a.incident_id),
told AS (
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
FROM ranked WHERE counted)
SELECT t.assignment_id,
  CASE WHEN reworked THEN CASE WHEN r.assignment_id IS NULL
    THEN '{REWORKED}' ELSE '{REWORK_EXCUSED}' END END AS redone,
  CASE WHEN given <> '{WAIVED}' AND f.assignment_id IS NOT NULL
    THEN '{EXCUSED}' ELSE given END AS given
FROM told t LEFT JOIN {_EXCUSED.format(REWORK)} r ON r.assignment_id = t.assignment_id
LEFT JOIN {_EXCUSED.format(DUAL_FEEDBACK)} f ON f.assignment_id = t.assignment_id
"""

WHO = f"coalesce(nullif(unit, ''), '{NOBODY}')"
_CUT = "CASE WHEN exercise THEN $cut_exercise ELSE $cut_real END"
_DONE_BY_CUT = f"coalesce(stopped <= {_CUT}, false)"

ENDED_CLOCKS = f"""
CREATE OR REPLACE TEMP TABLE ended_clocks AS
WITH ranked AS (
  SELECT k.*, i.number AS incident_number, i.area AS incident_area, i.affair AS incident_affair,
    NOT {_TEST} AND k.due >= $start AND k.due < $end
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
    WHEN exempt OR e.word IS NOT NULL THEN '{Outcome.EXEMPT}'
    WHEN state = '{ClockState.PAUSED}' THEN '{Outcome.SUSPENDED}'
    WHEN due > {_CUT} THEN
      CASE WHEN {_DONE_BY_CUT} THEN '{Outcome.DONE_EARLY}' ELSE '{Outcome.NOT_YET_DUE}' END
    WHEN NOT {_DONE_BY_CUT} THEN '{Outcome.OPEN}'
    WHEN stopped <= due THEN '{Outcome.ON_TIME}' ELSE '{Outcome.LATE}' END AS outcome,
  epoch_us(stopped) - epoch_us(started) AS took_us,
  CASE WHEN kind = '{ClockKind.FEEDBACK}' AND due <= {_CUT} THEN d.given
    WHEN kind = '{ClockKind.HANDLE}' THEN d.redone END AS duty,
  (CASE WHEN NOT owed THEN NULL WHEN first_of_all THEN 2 WHEN first_of_unit THEN 1 ELSE 0 END
    )::TINYINT AS turn
FROM turns t LEFT JOIN duties d ON d.assignment_id = t.assignment_id
LEFT JOIN exemptions e ON e.assignment_id = t.assignment_id AND e.word = t.kind
"""
"""`counted`: due in the month, of no test, of a merge's copies the one that stands. `duty`: what the
duty it runs on has given or had; `turn` 2 the first limit of its kind on that duty, 1 the first of
its unit, 0 a further one, so that a duty counts once in its unit's row and once in the total; none
where T3 does not count it."""

_DONE = f"outcome IN ('{Outcome.ON_TIME}', '{Outcome.LATE}')"
APART = frozenset({ClockKind.ARRIVAL, ClockKind.ASSEMBLY})
"""Kinds shown by day and night too."""
_APART = _listed(APART)


def _band(kind: ClockKind, limits_s: Sequence[int]) -> str:
    whens = " ".join(f"WHEN took_us <= {s}000000 THEN {n}" for n, s in enumerate(limits_s))
    return f"WHEN '{kind}' THEN CASE {whens} ELSE {len(limits_s)} END"


_BAND = f"""CASE WHEN {_DONE} THEN CASE kind {_band(ClockKind.ACK, SIGN_FOR_BANDS_S)}
  {_band(ClockKind.FEEDBACK, FEEDBACK_BANDS_S)} END END"""
_CLOCK_PART = "exercise, kind, who, day, outcome, band"
CLOCK_PARTS = f"""
CREATE OR REPLACE TEMP TABLE clock_parts AS
WITH numbered AS (
  SELECT (row_number() OVER (ORDER BY {_CLOCK_PART}) - 1)::INTEGER AS part, * FROM (
    SELECT DISTINCT exercise, kind, {WHO} AS who, day, outcome, {_BAND} AS band
    FROM ended_clocks WHERE turn IS NOT NULL))
SELECT *, min(part) OVER (PARTITION BY exercise, kind, who) AS unit_part,
  min(part) OVER (PARTITION BY exercise, kind, who, day) AS unit_day_part,
  min(part) OVER (PARTITION BY exercise, kind) AS kind_part,
  min(part) OVER (PARTITION BY exercise, kind, day) AS kind_day_part
FROM numbered
"""
JUDGED_CLOCKS = f"""
CREATE OR REPLACE TEMP TABLE judged_clocks AS
SELECT c.* EXCLUDE (who, band), p.part,
  CASE WHEN {_DONE.replace("outcome", "c.outcome")} THEN p.unit_part END AS unit_part,
  CASE WHEN {_DONE.replace("outcome", "c.outcome")} THEN p.kind_part END AS kind_part,
  CASE WHEN {_DONE.replace("outcome", "c.outcome")} AND c.kind IN ({_APART})
    THEN p.unit_day_part END AS unit_day_part,
  CASE WHEN {_DONE.replace("outcome", "c.outcome")} AND c.kind IN ({_APART})
    THEN p.kind_day_part END AS kind_day_part
FROM (SELECT *, {WHO} AS who, {_BAND} AS band FROM ended_clocks) c
LEFT JOIN clock_parts p ON c.turn IS NOT NULL AND {
    " AND ".join(f"c.{name} IS NOT DISTINCT FROM p.{name}" for name in _CLOCK_PART.split(", "))
}
"""
"""`part`: the number of how a limit ended, of whom; none where T3 does not count it. The others are
the numbers a finished one's percentiles are taken by, the least `part` in each."""

ORDERS: Mapping[Kind, str] = {
    Kind.CALLS: "received_at, call_id",
    Kind.LINKS: "call_id, incident_id",
    Kind.INCIDENTS: "incident_id",
    Kind.ASSIGNMENTS: "unit, assignment_id, incident_id",
    # finished ones by length: what percentiles are taken from is nearly sorted already
    Kind.CLOCKS: "kind_part NULLS LAST, unit_part, took_us, clock_id, incident_id",
    Kind.NOTICES: "queued_at, notice_id",
    Kind.APPEALS: "asked_at, appeal_id, incident_id",
    Kind.CALL_PARTS: "part",
    Kind.CLOCK_PARTS: "part",
}
"""How the files of facts are sorted; no two rows are equal by it. Counts are by all their columns."""
JUDGED = {Kind.CALLS: "judged_calls", Kind.CLOCKS: "judged_clocks"}
TABLES: Mapping[Kind, str] = {kind: JUDGED.get(kind, str(kind)) for kind in ORDERS}
"""Which table each file of facts is written from."""

# -- counting: {calls} and {clocks} are a judged table or the reading of a file ---------------------

_VALID = f"standing = '{Standing.VALID}'"

CASES = f"""
SELECT exercise, standing, CASE WHEN {_VALID} THEN counted_category END AS category,
  CASE WHEN {_VALID} THEN counted_affair END AS affair,
  CASE WHEN {_VALID} THEN counted_area END AS area, sum(n)::BIGINT AS n
FROM (SELECT part, count(*) AS n FROM {{calls}} WHERE part IS NOT NULL GROUP BY part) c
JOIN {{call_parts}} p USING (part) GROUP BY 1, 2, 3, 4, 5
"""
"""Standing; of valid calls category, affair class (none without an incident), area; count."""

TIMES = f"""
SELECT exercise, line, hour, sum(n)::BIGINT AS n
FROM (SELECT exercise, line, hour, count(*) AS n FROM {{calls}}
  WHERE part IS NOT NULL AND {_VALID} GROUP BY 1, 2, 3) counted
GROUP BY GROUPING SETS ((exercise, line), (exercise, hour))
"""
"""Line or else hours of local time since 1970, count: of valid calls."""


def _ranks(of: str) -> str:
    return f"quantile_disc({of}, [{', '.join(str(percent / 100) for percent in PERCENTS)}])"


def _percents(of: str) -> str:
    return ", ".join(f"{of}[{n}] AS p{percent}_us" for n, percent in enumerate(PERCENTS, 1))


RESPONSES = f"""
SELECT exercise, via, n, took_us, most_us, {_percents("ranks")}
FROM (
SELECT exercise, via, count(*) AS n, sum(response_us)::BIGINT AS took_us,
  max(response_us) AS most_us, {_ranks("response_us")} AS ranks
FROM (SELECT exercise, CASE WHEN line IN ({_listed(LINES)}) THEN line ELSE '{OTHER}' END AS via,
    response_us
  FROM {{calls}} WHERE part IS NOT NULL AND {_VALID} AND response_us IS NOT NULL) waited
GROUP BY GROUPING SETS ((exercise, via), (exercise))) counted
"""
"""Line (none: all), how many somebody arrived at; microseconds: sum, longest, P50, P90, P95."""


def _n(outcome: Outcome) -> str:
    return f"coalesce(sum(n) FILTER (WHERE outcome = '{outcome}'), 0)::BIGINT AS {outcome}"


_BANDS = max(len(SIGN_FOR_BANDS_S), len(FEEDBACK_BANDS_S)) + 1


def _band_name(band: int) -> str:
    return f"band_{band}"


def _of_band(band: int) -> str:
    return f"coalesce(sum(n) FILTER (WHERE band = {band}), 0)::BIGINT AS {_band_name(band)}"


_BY_LEVEL = {0: "unit_day_part", 1: "unit_part", 2: "kind_day_part", 3: "kind_part"}
"""What grouping(who, day) gives, and the number by which such a group's lengths are ranked."""
_RANKS = " UNION ALL ".join(
    f"SELECT {level} AS level, {number} AS part, {_ranks('took_us')} AS ranks FROM {{clocks}} "
    f"WHERE {number} IS NOT NULL GROUP BY {number}"
    for level, number in _BY_LEVEL.items()
)
LIMITS = f"""
WITH ended AS (
  SELECT p.exercise, p.who, p.kind, p.day, p.outcome, p.band, p.part, c.n, c.took, c.most
  FROM (SELECT part, count(*) AS n, sum(took_us) AS took, max(took_us) AS most
    FROM {{clocks}} WHERE part IS NOT NULL GROUP BY part) c
  JOIN {{clock_parts}} p USING (part)),
counted AS (
  SELECT exercise, who, kind, day, {", ".join(map(_n, Outcome))},
    {", ".join(map(_of_band, range(_BANDS)))},
    (sum(took) FILTER (WHERE {_DONE}))::BIGINT AS took_us, max(most) FILTER (WHERE {_DONE}) AS most_us,
    grouping(who, day) AS level, min(part) AS part
  FROM ended GROUP BY GROUPING SETS (
    (exercise, who, kind), (exercise, kind), (exercise, who, kind, day), (exercise, kind, day))
  HAVING grouping(day) = 1 OR kind IN ({_APART}))
SELECT exercise, who, kind, day, {", ".join([*Outcome, *map(_band_name, range(_BANDS))])},
  took_us, most_us, {_percents("r.ranks")}
FROM counted c LEFT JOIN ({_RANKS}) r ON r.level = c.level AND r.part = c.part
"""
"""Unit (none: all), kind, by day (none: both), count of each outcome, of each band of length; of
finished ones microseconds: sum, longest, P50, P90, P95 by nearest rank."""

GIVEN = f"""
SELECT exercise, {WHO} AS who, duty, turn, count(*) AS n FROM {{clocks}}
WHERE duty IS NOT NULL AND turn > 0 GROUP BY 1, 2, 3, 4
"""
"""Unit, what its duties gave, 2 when the total counts them too, count."""

HANDLED = f"""
SELECT exercise, incident_area AS area, incident_affair AS affair, outcome, count(*) AS n
FROM {{clocks}}
WHERE kind = '{ClockKind.HANDLE}' AND turn IS NOT NULL
  AND ({_DONE} OR outcome IN ('{Outcome.OPEN}', '{Outcome.EXEMPT}'))
GROUP BY 1, 2, 3, 4
"""
"""Area and affair class of the incident (none: unknown), what became of its handling limit, count."""

_OPEN = f"outcome = '{Outcome.OPEN}' AND turn IS NOT NULL AND kind IN ({_listed(CLOCKS)})"
CENSORED = f"""
SELECT exercise, coalesce(incident_number, '') AS incident, {WHO} AS who, kind, rule,
  epoch_us(due) AS due_us, clock_id
FROM ({
    " UNION ALL ".join(
        f"(SELECT * FROM {{clocks}} WHERE {_OPEN} AND {whose} "
        f"ORDER BY due, clock_id LIMIT {CENSORED_AT_MOST})"
        for whose in ("exercise", "NOT exercise")
    )
}) longest
"""
"""Incident, unit, kind, rule, due (microseconds since 1970), limit of the longest overdue."""

COUNTS: Mapping[Kind, str] = {
    Kind.CASES: CASES,
    Kind.TIMES: TIMES,
    Kind.RESPONSES: RESPONSES,
    Kind.LIMITS: LIMITS,
    Kind.GIVEN: GIVEN,
    Kind.HANDLED: HANDLED,
    Kind.CENSORED: CENSORED,
}
"""What the tables are made of, of both populations: first whether of an exercise, then what is said
above. Each is counted when it is asked for, or read from a closed month's file."""
