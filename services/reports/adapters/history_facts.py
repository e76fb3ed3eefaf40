"""The facts of imported cases as tables of DuckDB: history_facts over sets, for month_sets to count."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from services.reports.adapters import month_sets
from services.reports.adapters.history_scope import Scope
from services.reports.adapters.history_sql import quoted, stored
from services.reports.adapters.month_sets import Months
from services.reports.domain.facts import Population
from services.reports.domain.history_facts import (
    DUE_RULE,
    KINDS,
    ROOM,
    SEVERITY,
    SOURCE,
    VERSION,
)
from services.reports.domain.history_mapping import Beside, Dimension, Stamp
from services.reports.domain.history_terms import Basis
from services.reports.domain.period import Period
from services.reports.domain.quantities import OTHER
from shared.contracts.incident import AssignmentState, IncidentState, StampOrigin
from shared.contracts.pack import UNCLASSIFIED, UnitKind
from shared.contracts.sla import ClockKind, ClockState
from shared.contracts.values import Lane


def judged(scope: Scope, period: Period, beside: Sequence[Period], basis: Basis) -> Months:
    """Fill the tables of facts and judge them: limits of *period*, calls of *beside* as well."""
    db = scope.db
    db.execute("SET TimeZone = 'UTC'")
    affairs = {} if basis.affairs is UNSET else basis.affairs.of
    db.execute(
        "CREATE OR REPLACE TEMP TABLE affairs AS "
        "SELECT unnest($texts::VARCHAR[]) AS text, unnest($classes::VARCHAR[]) AS affair",
        {"texts": [*affairs], "classes": [str(each) for each in affairs.values()]},
    )
    inside = " OR ".join(_between("counted_at", each) for each in (period, *beside))
    region = f"region = '{quoted(scope.region)}'"
    for statement in (
        _duties(region, basis),
        _clocks(basis, period),
        _assignments(basis),
        _calls(f"{region} AND ({inside})", basis),
        _incidents(f"{region} AND ({inside} OR id IN (SELECT incident_id FROM clocks))", basis),
        """CREATE OR REPLACE TEMP TABLE links AS SELECT call_id, call_id AS incident_id
FROM calls WHERE duplicate""",
    ):
        db.execute(statement)
    cut = min(scope.as_of, period.end)
    return month_sets.judge_limits(db, period, dict.fromkeys(Population, cut))


def _between(column: str, period: Period) -> str:
    first, last = stored(period.start), stored(period.end)
    return f"({column} >= TIMESTAMP '{first}' AND {column} < TIMESTAMP '{last}')"


def _at(expression: str) -> str:
    """Return the stored time (UTC) as one that says so."""
    return f"({expression})::TIMESTAMPTZ"


def _row(basis: Basis) -> str:
    return f"coalesce({basis.rows or 'NULL'}, '{UNCLASSIFIED}')"


_EXERCISE = f"coalesce(standing = '{Beside.EXERCISE}', false)"
_TEST = f"coalesce(standing = '{Beside.TEST}', false)"
_DUPLICATE = f"coalesce(standing = '{Beside.DUPLICATE}', false)"


def _calls(inside: str, basis: Basis) -> str:
    return f"""
CREATE OR REPLACE TEMP TABLE calls AS
SELECT id AS call_id, {VERSION}::BIGINT AS version, id AS opens, '{SOURCE}' AS source,
  '{basis.line}' AS line, '' AS lane, {_at("counted_at")} AS received_at,
  {_at("counted_at")} AS recorded_at, {_row(basis)} AS category, {SEVERITY}::BIGINT AS severity,
  area, coalesce(standing = '{Beside.INVALID}', false) AS withdrawn, {_EXERCISE} AS exercise,
  {_TEST} AS test, {_DUPLICATE} AS duplicate
FROM cases WHERE {inside}
"""


def _incidents(inside: str, basis: Basis) -> str:
    by, rest = "NULL", OTHER
    if basis.affairs is not UNSET:
        by, rest = str(basis.affairs.by), basis.affairs.rest or OTHER
    urgent = "false"
    if basis.urgent is not UNSET:
        texts = ", ".join(f"'{quoted(text)}'" for text in basis.urgent.texts)
        urgent = f"coalesce({basis.urgent.by} IN ({texts}), false)"
    return f"""
CREATE OR REPLACE TEMP TABLE incidents AS
SELECT id AS incident_id, {VERSION}::BIGINT AS version,
  coalesce(number, id::VARCHAR) AS number, '{basis.line}' AS line,
  CASE WHEN {urgent} THEN '{Lane.URGENT}' ELSE '' END AS lane,
  CASE WHEN {_DUPLICATE} THEN '{IncidentState.DUPLICATE}'
    WHEN closed IS NULL THEN '{IncidentState.DISPATCHED}'
    ELSE '{IncidentState.CLOSED}' END AS state,
  CASE WHEN {by} IS NULL THEN '{OTHER}' ELSE coalesce(affair, '{rest}') END AS affair,
  {_row(basis)} AS category,
  {SEVERITY}::BIGINT AS severity, area, {_at("counted_at")} AS received_at,
  NULL::TIMESTAMPTZ AS accepted_at, {_at("dispatched")} AS dispatched_at,
  {_at("arrived")} AS on_scene_at, {_at("closed")} AS handled_at, {_at("closed")} AS ended_at,
  NULL::UUID AS merged_into, 0::BIGINT AS rework, 0::BIGINT AS reopened, '' AS pack_version,
  {_EXERCISE} AS exercise, {_TEST} AS test
FROM cases LEFT JOIN affairs ON affairs.text = {by}
WHERE {inside}
"""


def _duties(region: str, basis: Basis) -> str:
    stands = f"{region} AND (standing IS NULL OR standing = '{Beside.EXERCISE}')"
    if not basis.units:
        stamps = ", ".join(Stamp)
        unit = "department" if Dimension.DEPARTMENT in basis.dimensions else "NULL::VARCHAR"
        return f"""
CREATE OR REPLACE TEMP VIEW duty AS
SELECT id, 1 AS n, {unit} AS unit, department, {_EXERCISE} AS exercise, counted_at, {stamps}
FROM cases WHERE {stands}
"""
    stamps = ", ".join(f"each.{stamp} AS {stamp}" for stamp in Stamp)
    return f"""
CREATE OR REPLACE TEMP VIEW duty AS
SELECT id, n, each.unit AS unit, department, exercise, counted_at, {stamps}
FROM (SELECT id, department, counted_at, {_EXERCISE} AS exercise, unnest(responses) AS each,
    generate_subscripts(responses, 1) AS n FROM cases WHERE {stands})
"""


def _part(place: str) -> str:
    """Return the id of a duty or clock (history_facts.part_id)."""
    return f"(left(id::VARCHAR, 28) || printf('%08x', ({place})::INTEGER))::UUID"


def _clocks(basis: Basis, period: Period) -> str:
    limits = basis.limits
    sent = "coalesce(dispatched, received, counted_at)"
    found = []
    for kind, limit, stamp in (
        (ClockKind.ACK, limits.acked, Stamp.ACKED),
        (ClockKind.FEEDBACK, limits.fed_back, Stamp.FED_BACK),
    ):
        if limit:
            due = f"{sent} + to_seconds({limit})"
            found.append(_clock(kind, f"'limits.{stamp}'", sent, due, stamp))
        else:
            found.append(_clock(kind, "''", "counted_at", "counted_at", "NULL::TIMESTAMP"))
    if limits.turned_out:
        due = f"{sent} + to_seconds({limits.turned_out})"
        found.append(_clock(ClockKind.TURNOUT, "'limits.turned_out'", sent, due, Stamp.TURNED_OUT))
    if limits.arrived:
        due = f"received + to_seconds({limits.arrived})"
        found.append(
            _clock(ClockKind.ARRIVAL, "'limits.arrived'", "received", due, Stamp.ARRIVED)
            + " WHERE received IS NOT NULL"
        )
    handle = _clock(
        ClockKind.HANDLE,
        f"'{DUE_RULE}'",
        "least(coalesce(received, counted_at), due)",
        Stamp.DUE,
        Stamp.CLOSED,
    )
    found.append(f"{handle} WHERE due IS NOT NULL")
    if limits.closed:
        due = f"received + to_seconds({limits.closed})"
        found.append(
            _clock(ClockKind.HANDLE, "'limits.closed'", "received", due, Stamp.CLOSED)
            + " WHERE due IS NULL AND received IS NOT NULL"
        )
    first, last = basis.day_hours
    hour = "hour(start_at + ahead)"
    return f"""
CREATE OR REPLACE TEMP TABLE clocks AS
WITH every AS ({" UNION ALL ".join(found)}),
owed AS (SELECT * FROM every WHERE {_between("due_at", period)})
SELECT {_part(f"n * {ROOM} + 1 + place")} AS clock_id, kind, rule, '' AS rule_version,
  {_part(f"n * {ROOM}")} AS assignment_id, unit, {_at("start_at")} AS started,
  {_at("due_at")} AS due, (epoch_us(due_at) - epoch_us(start_at)) / 1e6 AS limit_s,
  '{ClockState.RUNNING}' AS state, rule <> '' AS judged,
  {hour} >= {first} AND {hour} < {last} AS day,
  {_at("CASE WHEN stopped_at IS NOT NULL THEN greatest(stopped_at, start_at) END")} AS stopped,
  NULL::TIMESTAMPTZ AS breached_at, false AS found_late, false AS corrected, false AS exempt,
  id AS incident_id, {VERSION}::BIGINT AS version, exercise
FROM owed ASOF JOIN utc_steps ON start_at >= since
"""


def _clock(kind: ClockKind, rule: str, started: str, due: str, stopped: str) -> str:
    return (
        f"SELECT id, n, unit, exercise, '{kind}' AS kind, {KINDS.index(kind)} AS place, "
        f"{rule} AS rule, {started} AS start_at, {due} AS due_at, {stopped} AS stopped_at FROM duty"
    )


def _assignments(basis: Basis) -> str:
    kind = UnitKind.STANDING if Stamp.ARRIVED in basis.stamps else UnitKind.DESK
    none = "NULL::TIMESTAMPTZ"
    return f"""
CREATE OR REPLACE TEMP TABLE assignments AS
SELECT {_part(f"n * {ROOM}")} AS assignment_id, id AS incident_id, {VERSION}::BIGINT AS version,
  coalesce(unit, '') AS unit, coalesce(department, '') AS department, '{kind}' AS unit_kind,
  'lead' AS role, '{SOURCE}' AS origin, '{AssignmentState.ENDED}' AS state, '' AS relation,
  {_at("coalesce(dispatched, received)")} AS sent_at, {_at("acked")} AS acked_at,
  {_at("turned_out")} AS turned_out_at, {none} AS assembled_at, {_at("arrived")} AS arrived_at,
  '{StampOrigin.FEED}' AS arrived_by, false AS arrived_late_told, {_at("closed")} AS ended_at,
  '{StampOrigin.FEED}' AS ended_by, false AS ended_late_told, {none} AS waived_at,
  {_at("fed_back")} AS fed_back_at, {none} AS released_at, 0::BIGINT AS rework, '' AS exempt,
  exercise, false AS test
FROM duty WHERE {_part(f"n * {ROOM}")} IN (SELECT assignment_id FROM clocks)
"""
