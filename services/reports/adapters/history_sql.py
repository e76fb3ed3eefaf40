"""The statements of an import, built from its mapping: the rules of history_rows over sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from string import ascii_lowercase, ascii_uppercase

from services.reports.adapters.history_source import Source
from services.reports.domain.history_mapping import (
    AcrossFiles,
    Beside,
    Dimension,
    Mapping,
    PartOf,
    Stamp,
    columns_of,
    sources_of,
)
from services.reports.domain.history_rows import LONGEST_SHAPE, Reason, folded, namespace
from services.reports.domain.history_time import (
    EPOCH_END,
    EPOCH_SCALE,
    LONGEST_NUMBER,
    OFFSET,
    has_offset,
    parted,
    pattern,
)

DIMENSIONS = list(Dimension)

# what a row says of its case beside its stamps
_SAID = [*DIMENSIONS, "overdue", "standing", "number"]

# times are UTC; a case has one row, found by region and id
_CASE = ", ".join(["id", "units", *Stamp, *_SAID, "counted_at", "responses"])
_RESPONSE = (
    "STRUCT(unit VARCHAR, part VARCHAR, "
    + "".join(f"{stamp} TIMESTAMP, " for stamp in Stamp)
    + "".join(f"{dimension} VARCHAR, " for dimension in DIMENSIONS)
    + "overdue BOOLEAN, standing VARCHAR, number VARCHAR)"
)

VERSION = 2
"""Of the tables below; a folder of another version is refused, import it anew."""

TABLES = f"""
CREATE TABLE IF NOT EXISTS cases (
  region VARCHAR NOT NULL, id UUID NOT NULL, file INTEGER NOT NULL, units INTEGER NOT NULL,
  {", ".join(f"{stamp} TIMESTAMP" for stamp in Stamp)},
  {", ".join(f"{dimension} VARCHAR" for dimension in DIMENSIONS)},
  overdue BOOLEAN, standing VARCHAR, number VARCHAR, counted_at TIMESTAMP NOT NULL,
  responses {_RESPONSE}[]
);
CREATE TABLE IF NOT EXISTS files (
  file INTEGER PRIMARY KEY, region VARCHAR NOT NULL, digest VARCHAR NOT NULL,
  version INTEGER NOT NULL, terms VARCHAR NOT NULL
);
"""


def quoted(text: str) -> str:
    """Return *text* as it stands inside single quotes."""
    return text.replace("'", "''")


def _literal(text: str) -> str:
    return f"'{quoted(text)}'"


def _listed(texts: list[str]) -> str:
    return ", ".join(_literal(text) for text in texts)


def stored(at: datetime) -> datetime:
    """Return *at* as the tables keep it: UTC, without its zone."""
    return at.astimezone(UTC).replace(tzinfo=None)


def raw(source: Source) -> str:
    """Return the reading of the wanted columns, numbered from 1; unreadable lines go aside."""
    columns = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(source.width))
    fields = ", ".join(f"c{at} AS f{n}" for n, at in enumerate(source.places.values()))
    return f"""
CREATE OR REPLACE TEMP TABLE raw AS SELECT row_number() OVER () AS row, {fields}
FROM read_csv($path, columns = {{{columns}}}, auto_detect = false, header = true,
  delim = {_literal(source.delimiter)}, skip = {source.skip}, quote = '"', escape = '"', parallel = false,
  max_line_size = 16777216, ignore_errors = true, store_rejects = true)
"""


def _field(mapping: Mapping, column: str | None) -> str:
    return f"t{mapping.wanted.index(column)}" if column else "NULL"


def _folded(expression: str, mapping: Mapping) -> str:
    if not mapping.ignore_case:
        return expression
    return f"translate({expression}, '{ascii_lowercase}', '{ascii_uppercase}')"


def _texts(texts: Iterable[str], mapping: Mapping) -> str:
    return _listed([folded(each, mapping) for each in texts])


def _shape(expression: str) -> str:
    """Return what a text looks like, as history_rows.shape says."""
    for found, shown in (
        ("[A-Za-z]", "a"),
        ("[0-9]", "9"),
        (r"[\x00-\x1f]", " "),
        (r"[^\x00-\x7f]", "*"),
    ):
        expression = f"regexp_replace({expression}, '{found}', '{shown}', 'g')"
    return expression


def _by_form(mapping: Mapping, field: str, then: Callable[[str, str], str]) -> str:
    """Return the CASE over the forms a time can have: the first that fits decides."""
    whens = " ".join(
        f"WHEN regexp_full_match({field}, {_literal(pattern(form))}) THEN {then(field, form)}"
        for form in mapping.time_formats
    )
    return f"CASE {whens} END"


_SPLIT = _literal(f"^(.*?)({OFFSET})$")


def _wall(field: str, form: str) -> str:
    """Return the time as written, NULL for one that does not exist."""
    if form in EPOCH_SCALE:
        number = f"try_cast(replace({field}, ',', '') AS DECIMAL(20, 6))"
        return (
            f"CASE WHEN length({field}) <= {LONGEST_NUMBER} AND {number} < {EPOCH_END[form]} "
            f"THEN make_timestamp(({number} * {EPOCH_SCALE[form]})::BIGINT) END"
        )
    wall, offset = parted(form)
    text = f"regexp_extract({field}, {_SPLIT}, 1)" if offset else field
    return f"try_strptime({text}, {_literal(wall)})"


def _ahead(field: str, form: str) -> str:
    """Return the seconds the text says it is ahead of UTC, NULL where it does not."""
    if form in EPOCH_SCALE:
        return "0"
    if not has_offset(form):
        return "NULL"
    found = f"regexp_extract({field}, {_SPLIT}, 2)"
    minutes = f"CASE WHEN length({found}) > 3 THEN right({found}, 2)::INTEGER ELSE 0 END"
    length = f"({found}[2:3]::INTEGER * 3600 + {minutes} * 60)"
    return (
        f"CASE WHEN {found} IN ('Z', 'z') THEN 0 WHEN {found}[1] = '-' THEN -{length} "
        f"ELSE {length} END"
    )


def _stamp(mapping: Mapping, stamp: Stamp) -> str:
    """Return the text of a stamp, of one or two columns."""
    fields = [_field(mapping, name) for name in sources_of(getattr(mapping.columns, stamp))]
    if len(fields) == 1:
        return fields[0]
    return f"nullif(concat_ws(' ', {', '.join(fields)}), '')"


def _time(mapping: Mapping, stamp: Stamp) -> str:
    if getattr(mapping.columns, stamp) is None:
        return f"NULL::TIMESTAMP AS local_{stamp}, NULL::INTEGER AS ahead_{stamp}"
    field = _stamp(mapping, stamp)
    offsets = any(has_offset(form) for form in mapping.time_formats)
    ahead = _by_form(mapping, field, _ahead) if offsets else "NULL"
    return (
        f"{_by_form(mapping, field, _wall)} AS local_{stamp}, ({ahead})::INTEGER AS ahead_{stamp}"
    )


def _value(mapping: Mapping, dimension: Dimension) -> str:
    chosen = getattr(mapping.columns, dimension)
    if isinstance(chosen, PartOf):
        field = _field(mapping, chosen.column)
        found = f"nullif(regexp_extract({field}, {_literal(chosen.regex)}, 1), '')"
    else:
        found = f"{_field(mapping, chosen)}::VARCHAR"
    found = _folded(found, mapping)
    if codes := {folded(c, mapping): name for c, name in mapping.codes.get(dimension, {}).items()}:
        whens = " ".join(f"WHEN {_literal(c)} THEN {_literal(n)}" for c, n in codes.items())
        found = f"CASE {found} {whens} ELSE {found} END"
    return f"{found} AS {dimension}"


def _standing(mapping: Mapping) -> str:
    if mapping.standing is None:
        return "NULL::VARCHAR"
    field = _folded(_field(mapping, mapping.standing.column), mapping)
    whens = " ".join(
        f"WHEN {field} IN ({_texts(texts, mapping)}) THEN '{beside}'"
        for beside in Beside
        if (texts := getattr(mapping.standing, beside))
    )
    return f"(CASE {whens} END)::VARCHAR" if whens else "NULL::VARCHAR"


def read(mapping: Mapping) -> str:
    """Return the reading of each row: key, times, values and, where refused, why."""
    missing = _texts(["", *mapping.missing], mapping)
    blank = "' ' || chr(9) || chr(13) || chr(10)"
    wanted = range(len(mapping.wanted))
    fields = ", ".join(f"trim(f{n}, {blank}) AS g{n}" for n in wanted)
    kept = ", ".join(
        f"CASE WHEN {_folded(f'g{n}', mapping)} NOT IN ({missing}) THEN g{n} END AS t{n}"
        for n in wanted
    )
    texts = ", ".join(f"t{n}" for n in wanted)
    key = [_field(mapping, column) for column in mapping.key_columns]
    label, overdue, unknown = "NULL", "NULL::BOOLEAN", "false"
    if mapping.label:
        label = _folded(_field(mapping, mapping.label.column), mapping)
        overdue = f"{label} IN ({_texts(mapping.label.overdue, mapping)})"
        both = _texts([*mapping.label.overdue, *mapping.label.not_overdue], mapping)
        unknown = f"{label} NOT IN ({both})"
    columns = {s: column for s in Stamp if (column := columns_of(getattr(mapping.columns, s)))}
    stamps = {s: _stamp(mapping, s) for s in columns}
    unreadable = " ".join(
        f"WHEN {field} IS NOT NULL AND local_{s} IS NULL THEN '{s}'" for s, field in stamps.items()
    )
    shapes = " ".join(
        f"WHEN '{s}' THEN {_shape(f'left({field}, {LONGEST_SHAPE})')}"
        for s, field in stamps.items()
    )
    names = " ".join(f"WHEN '{s}' THEN {_literal(column)}" for s, column in columns.items())
    row_key = "NULL::VARCHAR"
    if mapping.row_key:
        row_key = _joined_key([_field(mapping, column) for column in mapping.row_key])
    said = _field(mapping, mapping.label.column if mapping.label else None)
    return f"""
CREATE OR REPLACE TEMP TABLE read AS
WITH trimmed AS (SELECT row, {fields} FROM raw),
texts AS (SELECT row, {kept} FROM trimmed),
parsed AS (SELECT *, {", ".join(_time(mapping, s) for s in Stamp)} FROM texts),
marked AS (SELECT *, CASE {unreadable} END AS wrong_time, {unknown} AS unknown FROM parsed),
reasoned AS (SELECT *,
  CASE WHEN contains(concat({texts}), chr(65533)) THEN '{Reason.UNDECODABLE}'
    WHEN {" AND ".join(f"{k} IS NULL" for k in key)} THEN '{Reason.NO_KEY}'
    WHEN wrong_time IS NOT NULL THEN '{Reason.UNREADABLE_TIME}'
    WHEN unknown THEN '{Reason.UNKNOWN_LABEL}' END AS reason FROM marked)
SELECT row, {_joined_key(key)} AS key, {row_key} AS row_key,
  {", ".join(f"local_{s}, ahead_{s}" for s in Stamp)},
  {", ".join(_value(mapping, d) for d in DIMENSIONS)},
  {_field(mapping, mapping.columns.unit)}::VARCHAR AS unit,
  {_field(mapping, mapping.columns.number)}::VARCHAR AS number,
  {_standing(mapping)} AS standing, {overdue} AS overdue, reason,
  CASE reason WHEN '{Reason.UNREADABLE_TIME}' THEN wrong_time
    WHEN '{Reason.UNKNOWN_LABEL}' THEN 'label' END AS field,
  CASE reason WHEN '{Reason.UNREADABLE_TIME}' THEN CASE wrong_time {names} END
    WHEN '{Reason.UNKNOWN_LABEL}' THEN {_literal(mapping.label.column if mapping.label else "")}
    WHEN '{Reason.NO_KEY}' THEN {_literal(mapping.key_columns[0])} END AS "column",
  CASE reason WHEN '{Reason.UNREADABLE_TIME}' THEN CASE wrong_time {shapes} END
    WHEN '{Reason.UNKNOWN_LABEL}' THEN {_shape(f"left({said}, {LONGEST_SHAPE})")} END AS shape
FROM reasoned
"""


def _joined_key(columns: list[str]) -> str:
    known = [f"coalesce({column}, '')" for column in columns]
    return f"concat_ws(chr(31), {', '.join(known)})"


def judged(mapping: Mapping) -> str:
    """Return the readable rows with their times as UTC; of a repeated key, which comes first."""
    joins, times = [], []
    for stamp in Stamp:
        if getattr(mapping.columns, stamp) is None:
            times.append(f"NULL::TIMESTAMP AS {stamp}")
            continue
        joins.append(f"ASOF LEFT JOIN steps s_{stamp} ON local_{stamp} >= s_{stamp}.since")
        utc = f"local_{stamp} - coalesce(to_seconds(ahead_{stamp}), s_{stamp}.ahead)"
        if mapping.missing_before:
            before = f"TIMESTAMP '{mapping.missing_before} 00:00:00'"
            utc = f"CASE WHEN local_{stamp} >= {before} THEN {utc} END"
        times.append(f"{utc} AS {stamp}")
    first = "1" if mapping.group_by else "row_number() OVER (PARTITION BY key ORDER BY row)"
    return f"""
CREATE OR REPLACE TEMP TABLE judged AS
SELECT row, key, row_key, {first} AS nth, {", ".join(times)}, {", ".join(_SAID)}, unit
FROM read {" ".join(joins)} WHERE reason IS NULL
"""


def _of_case(stamp: Stamp) -> str:
    return f"{'max' if stamp is Stamp.CLOSED else 'min'}({stamp})"


def _grouped(mapping: Mapping, order: str) -> str:
    """Return what a case is, as aggregates over its rows; *order* is the column of their order."""
    joined = [f"{_of_case(stamp)} AS {stamp}" for stamp in Stamp]
    firsts = [f"arg_min({name}, {order}) AS {name}" for name in _SAID]
    merge = mapping.across_files is AcrossFiles.MERGE
    fields = [f"{name} := {name}" for name in ["unit", "part", *Stamp]]
    fields += [f"{name} := {name if merge else 'NULL'}" for name in _SAID]
    packed = f"list(struct_pack({', '.join(fields)}) ORDER BY {order})"
    responses = f"{packed if mapping.columns.unit else 'NULL'}::{_RESPONSE}[]"
    return ", ".join(["count(*)::INTEGER AS units", *joined, *firsts, f"{responses} AS responses"])


def fresh(mapping: Mapping, region: str) -> str:
    """Return the cases of this file, each with its id (a uuid5, computed as RFC 9562 says)."""
    space = namespace(region).hex
    counted = _of_case(mapping.counted_by)
    column = columns_of(getattr(mapping.columns, mapping.counted_by))
    rows = "SELECT *, NULL::VARCHAR AS part, row AS place FROM mine"
    if mapping.across_files is AcrossFiles.MERGE:
        rows = _merged(region)
    return f"""
CREATE OR REPLACE TEMP TABLE named AS
WITH keys AS (SELECT key, {counted} AS stamp, sha1(unhex('{space}') || encode(key)) AS h
  FROM judged WHERE nth = 1 GROUP BY key)
SELECT key, stamp, (h[1:8] || '-' || h[9:12] || '-5' || h[14:16] || '-'
  || translate(h[17], '0123456789abcdef', '89ab89ab89ab89ab') || h[18:20] || '-' || h[21:32])::UUID
  AS id FROM keys;
CREATE OR REPLACE TEMP TABLE uncounted AS
SELECT row, '{mapping.counted_by}' AS field, {_literal(column)} AS "column" FROM judged
WHERE nth = 1 AND key IN (SELECT key FROM named WHERE stamp IS NULL);
CREATE OR REPLACE TEMP TABLE fresh AS
WITH mine AS (SELECT n.id, j.* FROM judged j JOIN named n USING (key)
  WHERE j.nth = 1 AND n.stamp IS NOT NULL),
rows AS ({rows}),
grouped AS (SELECT id, {_grouped(mapping, "place")} FROM rows GROUP BY id)
SELECT id, units, {", ".join([*Stamp, *_SAID])}, {mapping.counted_by} AS counted_at, responses
FROM grouped
"""


def _merged(region: str) -> str:
    """Return the rows of this file and those known of its cases, each part once (see merged)."""
    said = ", ".join(["unit", *Stamp, *_SAID])
    of_known = ", ".join(f"r.{name} AS {name}" for name in ["unit", *Stamp, *_SAID])
    return f"""
WITH parts AS (SELECT *, coalesce(row_key, coalesce(unit, '') || chr(31) || row_number() OVER (
    PARTITION BY id, coalesce(unit, '') ORDER BY row)) AS part FROM mine),
latest AS (SELECT *, min(row) OVER (PARTITION BY id, part) AS first FROM parts
  QUALIFY row_number() OVER (PARTITION BY id, part ORDER BY row DESC) = 1),
listed AS (SELECT id, unnest(responses) AS r, generate_subscripts(responses, 1) AS place
  FROM cases WHERE region = '{quoted(region)}' AND id IN (SELECT id FROM mine)),
known AS (SELECT id, place, r.part AS part, {of_known} FROM listed)
SELECT latest.id, latest.part, {", ".join(f"latest.{n}" for n in said.split(", "))},
  coalesce(known.place, {AFTER_KNOWN} + latest.first) AS place
FROM latest LEFT JOIN known ON known.id = latest.id AND known.part = latest.part
UNION ALL BY NAME
SELECT id, part, {said}, place FROM known ANTI JOIN latest USING (id, part)
"""


AFTER_KNOWN = 1 << 40
"""Rows of a case seen for the first time stand behind those known."""

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
INSERT INTO cases BY NAME SELECT region, $1::INTEGER AS file, {_CASE} FROM different
ORDER BY counted_at, id
"""


def rejects(mapping: Mapping) -> str:
    """Return what was refused: where, why, and what the value looked like, never the value."""
    nothing = """NULL::VARCHAR AS field, NULL::VARCHAR AS "column", NULL::VARCHAR AS shape"""
    return f"""
CREATE OR REPLACE TEMP TABLE rejects AS
SELECT row, NULL::UBIGINT AS line, reason, field, "column", shape
FROM read WHERE reason IS NOT NULL
UNION ALL BY NAME SELECT row, '{Reason.REPEATED_KEY}' AS reason, NULL::VARCHAR AS field,
  {_literal(mapping.key_columns[0])} AS "column" FROM judged WHERE nth > 1
UNION ALL BY NAME SELECT row, '{Reason.NOT_COUNTED}' AS reason, field, "column" FROM uncounted
UNION ALL BY NAME
SELECT NULL::BIGINT AS row, line,
  CASE WHEN bool_or(error_type = 'INVALID ENCODING') THEN '{Reason.UNDECODABLE}'
    ELSE '{Reason.MALFORMED}' END AS reason, {nothing}
FROM reject_errors GROUP BY line
"""


REFUSED = """
SELECT row, line, reason, field, "column", shape FROM rejects
ORDER BY row NULLS LAST, line, reason
"""
COPY_REJECTS = f"COPY ({REFUSED}) TO '{{path}}' (HEADER, DELIMITER ',')"
