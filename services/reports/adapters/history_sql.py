"""The statements of an import, built from its mapping: the rules of history_rows over sets."""

from __future__ import annotations

from datetime import UTC, datetime

from services.reports.domain.history_mapping import Dimension, Mapping, PartOf, Stamp
from services.reports.domain.history_rows import Reason, namespace
from services.reports.domain.history_time import instant, pattern

DIMENSIONS = list(Dimension)

# times are UTC; a case has one row, found by region and id
_CASE = ", ".join(["id", "units", *Stamp, *DIMENSIONS, "overdue", "counted_at", "responses"])
_RESPONSE = f"STRUCT(unit VARCHAR, {', '.join(f'{stamp} TIMESTAMP' for stamp in Stamp)})"

TABLES = f"""
CREATE TABLE IF NOT EXISTS cases (
  region VARCHAR NOT NULL, id UUID NOT NULL, units INTEGER NOT NULL,
  {", ".join(f"{stamp} TIMESTAMP" for stamp in Stamp)},
  {", ".join(f"{dimension} VARCHAR" for dimension in DIMENSIONS)},
  overdue BOOLEAN, counted_at TIMESTAMP NOT NULL, responses {_RESPONSE}[]
);
CREATE TABLE IF NOT EXISTS regions (
  region VARCHAR PRIMARY KEY, time_zone VARCHAR NOT NULL, counted_by VARCHAR NOT NULL,
  within VARCHAR NOT NULL, stamps VARCHAR NOT NULL, dimensions VARCHAR NOT NULL, as_of TIMESTAMP
);
"""


def quoted(text: str) -> str:
    """Return *text* as it stands inside single quotes."""
    return text.replace("'", "''")


def _literal(text: str) -> str:
    return f"'{quoted(text)}'"


def _listed(texts: list[str]) -> str:
    return ", ".join(_literal(text) for text in texts)


def as_of(mapping: Mapping) -> datetime | None:
    """Return the instant of the mapping's as_of, UTC without its zone, as it is stored."""
    return stored(instant(mapping.as_of, mapping.zone)) if mapping.as_of else None


def stored(at: datetime) -> datetime:
    """Return *at* as the tables keep it: UTC, without its zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


def raw(width: int, places: dict[str, int], delimiter: str) -> str:
    """Return the reading of the wanted columns, numbered from 1; unreadable lines go aside."""
    columns = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(width))
    fields = ", ".join(f"c{at} AS f{n}" for n, at in enumerate(places.values()))
    return f"""
CREATE OR REPLACE TEMP TABLE raw AS SELECT row_number() OVER () AS row, {fields}
FROM read_csv($path, columns = {{{columns}}}, auto_detect = false, header = true,
  delim = {_literal(delimiter)}, quote = '"', escape = '"', parallel = false,
  max_line_size = 16777216, ignore_errors = true, store_rejects = true)
"""


def _field(mapping: Mapping, column: str | None) -> str:
    return f"t{mapping.wanted.index(column)}" if column else "NULL"


def _time(mapping: Mapping, column: str | None) -> str:
    if column is None:
        return "NULL::TIMESTAMP"
    field = _field(mapping, column)
    whens = " ".join(
        f"WHEN regexp_full_match({field}, {_literal(pattern(form))}) "
        f"THEN try_strptime({field}, {_literal(form)})"
        for form in mapping.time_formats
    )
    return f"CASE {whens} END"


def _value(mapping: Mapping, chosen: str | PartOf | None) -> str:
    if isinstance(chosen, PartOf):
        field = _field(mapping, chosen.column)
        return f"nullif(regexp_extract({field}, {_literal(chosen.regex)}, 1), '')"
    return f"{_field(mapping, chosen)}::VARCHAR"


def read(mapping: Mapping) -> str:
    """Return the reading of each row: key, local times, values and, where refused, why."""
    missing = _listed(["", *mapping.missing])
    blank = "' ' || chr(9) || chr(13) || chr(10)"
    fields = ", ".join(
        f"CASE WHEN trim(f{n}, {blank}) NOT IN ({missing}) THEN trim(f{n}, {blank}) END AS t{n}"
        for n in range(len(mapping.wanted))
    )
    unit = f"{_field(mapping, mapping.columns.unit)}::VARCHAR AS unit"
    texts = ", ".join(f"t{n}" for n in range(len(mapping.wanted)))
    key = [_field(mapping, column) for column in mapping.key_columns]
    times = ", ".join(f"{_time(mapping, getattr(mapping.columns, s))} AS local_{s}" for s in Stamp)
    values = ", ".join(f"{_value(mapping, getattr(mapping.columns, d))} AS {d}" for d in DIMENSIONS)
    label, overdue, unknown = "NULL", "NULL::BOOLEAN", "false"
    if mapping.label:
        label = _field(mapping, mapping.label.column)
        overdue = f"{label} IN ({_listed(mapping.label.overdue)})"
        both = _listed([*mapping.label.overdue, *mapping.label.not_overdue])
        unknown = f"{label} NOT IN ({both})"
    unreadable = " ".join(
        f"WHEN {_field(mapping, column)} IS NOT NULL AND local_{s} IS NULL THEN '{s}'"
        for s in Stamp
        if (column := getattr(mapping.columns, s))
    )
    return f"""
CREATE OR REPLACE TEMP TABLE read AS
WITH texts AS (SELECT row, {fields} FROM raw),
parsed AS (SELECT *, {times} FROM texts),
marked AS (SELECT *, CASE {unreadable} END AS wrong_time FROM parsed)
SELECT row, concat_ws(chr(31), {", ".join(f"coalesce({k}, '')" for k in key)}) AS key,
  {", ".join(f"local_{s}" for s in Stamp)}, {values}, {unit}, {overdue} AS overdue, wrong_time,
  CASE WHEN contains(concat({texts}), chr(65533)) THEN '{Reason.UNDECODABLE}'
    WHEN {" AND ".join(f"{k} IS NULL" for k in key)} THEN '{Reason.NO_KEY}'
    WHEN wrong_time IS NOT NULL THEN '{Reason.UNREADABLE_TIME}'
    WHEN {unknown} THEN '{Reason.UNKNOWN_LABEL}' END AS reason
FROM marked
"""


def judged(mapping: Mapping) -> str:
    """Return the readable rows with their times as UTC; of a repeated key, which comes first."""
    joins, times = [], []
    for stamp in Stamp:
        if getattr(mapping.columns, stamp) is None:
            times.append(f"NULL::TIMESTAMP AS {stamp}")
            continue
        joins.append(f"ASOF LEFT JOIN steps s_{stamp} ON local_{stamp} >= s_{stamp}.since")
        utc = f"local_{stamp} - s_{stamp}.ahead"
        if mapping.missing_before:
            before = f"TIMESTAMP '{mapping.missing_before} 00:00:00'"
            utc = f"CASE WHEN local_{stamp} >= {before} THEN {utc} END"
        times.append(f"{utc} AS {stamp}")
    first = "1" if mapping.group_by else "row_number() OVER (PARTITION BY key ORDER BY row)"
    return f"""
CREATE OR REPLACE TEMP TABLE judged AS
SELECT row, key, {first} AS nth, {", ".join(times)}, {", ".join(DIMENSIONS)}, unit, overdue
FROM read {" ".join(joins)} WHERE reason IS NULL
"""


def fresh(mapping: Mapping, region: str) -> str:
    """Return the cases of this file, each with its id (a uuid5, computed as RFC 9562 says)."""
    space = namespace(region).hex
    joined = [f"{'max' if stamp is Stamp.CLOSED else 'min'}({stamp}) AS {stamp}" for stamp in Stamp]
    firsts = [f"arg_min({d}, row) AS {d}" for d in [*DIMENSIONS, "overdue"]]
    fields = ", ".join(f"{name} := {name}" for name in ["unit", *Stamp])
    listed = f"list(struct_pack({fields}) ORDER BY row)" if mapping.columns.unit else "NULL"
    responses = f"{listed}::{_RESPONSE}[] AS responses"
    return f"""
CREATE OR REPLACE TEMP TABLE grouped AS
SELECT key, count(*)::INTEGER AS units, {", ".join([*joined, *firsts])}, {responses}
FROM judged WHERE nth = 1 GROUP BY key;
CREATE OR REPLACE TEMP TABLE fresh AS
WITH hashed AS (SELECT *, sha1(unhex('{space}') || encode(key)) AS h FROM grouped)
SELECT (h[1:8] || '-' || h[9:12] || '-5' || h[14:16] || '-'
  || translate(h[17], '0123456789abcdef', '89ab89ab89ab89ab') || h[18:20] || '-' || h[21:32])::UUID
  AS id, units, {", ".join([*Stamp, *DIMENSIONS])}, overdue, {mapping.counted_by} AS counted_at,
  responses
FROM hashed WHERE {mapping.counted_by} IS NOT NULL;
CREATE OR REPLACE TEMP TABLE uncounted AS
SELECT row, '{mapping.counted_by}' AS field FROM judged
WHERE nth = 1 AND key IN (SELECT key FROM grouped WHERE {mapping.counted_by} IS NULL)
"""


DIFFERENT = f"""
CREATE OR REPLACE TEMP TABLE different AS
SELECT $1::VARCHAR AS region, * FROM (
  SELECT {_CASE} FROM fresh EXCEPT SELECT {_CASE} FROM cases WHERE region = $1
)
"""
_SAME = "cases.region = different.region AND cases.id = different.id"
REPLACED = f"SELECT count(*) FROM different SEMI JOIN cases ON {_SAME}"
DELETE_REPLACED = f"DELETE FROM cases USING different WHERE {_SAME}"
INSERT = f"""
INSERT INTO cases BY NAME SELECT region, {_CASE} FROM different ORDER BY counted_at, id
"""

REJECTS = f"""
CREATE OR REPLACE TEMP TABLE rejects AS
SELECT row, NULL::UBIGINT AS line, reason,
  CASE reason WHEN '{Reason.UNREADABLE_TIME}' THEN wrong_time END AS field
FROM read WHERE reason IS NOT NULL
UNION ALL BY NAME SELECT row, '{Reason.REPEATED_KEY}' AS reason, NULL::VARCHAR AS field FROM judged WHERE nth > 1
UNION ALL BY NAME SELECT row, '{Reason.NOT_COUNTED}' AS reason, field FROM uncounted
UNION ALL BY NAME
SELECT NULL::BIGINT AS row, line,
  CASE WHEN bool_or(error_type = 'INVALID ENCODING') THEN '{Reason.UNDECODABLE}'
    ELSE '{Reason.MALFORMED}' END AS reason, NULL::VARCHAR AS field
FROM reject_errors GROUP BY line
"""
COPY_REJECTS = """
COPY (SELECT row, line, reason, field FROM rejects ORDER BY row NULLS LAST, line, reason)
TO '{path}' (HEADER, DELIMITER ',')
"""
