"""Closed cases to count: generated from recorded duration distributions, same seed, same facts."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

import duckdb
from msgspec.structs import replace

from services.reports.adapters import month_sets, parquet_files
from services.reports.adapters import month_sql as sql
from services.reports.adapters.month_sets import Connection
from services.reports.adapters.month_sql import COUNTS, FACTS, Kind
from services.reports.domain import period as periods
from services.reports.domain.facts import Population
from services.reports.domain.freezing import FrozenFile
from services.reports.domain.period import Period
from shared.contracts.pack import Pack
from shared.runtime.packs import load_pack

ROOT = Path(__file__).resolve().parents[1]
YEAR, UNITS, KINDS, SEED = 2025, 300, 151, 20261122

# Seconds at 0, 5, … 100 % of what was recorded, so that percentiles have real shapes.
QUANTILES_S: dict[str, tuple[float, ...]] = {
    # San Francisco fire department, January 2017, 3,560 calls: received to first dispatched
    "ack": (
        0,
        13,
        24,
        38,
        51,
        65,
        76,
        87,
        95,
        105,
        113,
        124,
        135,
        146,
        159,
        176,
        197,
        225,
        265,
        349,
        3042,
    ),
    # the same calls: received to first unit on scene
    "arrival": (
        0,
        165,
        212,
        239,
        263,
        285,
        303,
        327,
        348,
        367,
        390,
        415,
        449,
        487,
        537,
        606,
        698,
        845,
        1035,
        1338,
        3467,
    ),
    # the same calls: first on scene to last unit available
    "feedback": (
        0,
        150,
        293,
        449,
        680,
        1074,
        1851,
        2581,
        3032,
        3336,
        3578,
        3799,
        3997,
        4195,
        4396,
        4618,
        4845,
        5099,
        5473,
        6073,
        16179,
    ),
    # Boston 311, January and February 2015, 12,859 closed requests: opened to closed
    "handle": (
        0,
        1,
        128,
        2327,
        11048,
        39593,
        69916,
        99921,
        162841,
        245671,
        342803,
        476372,
        632178,
        946031,
        1304101,
        1815011,
        2478830,
        3694759,
        5177813,
        7758669,
        31706094,
    ),
}
COUNTED = (Kind.CALLS, Kind.CLOCKS, Kind.CALL_PARTS, Kind.CLOCK_PARTS)
"""The facts that are written: the others are only needed to judge these."""
LIMITS_S = {"ack": 60, "arrival": 480, "assembly": 600, "feedback": 86_400, "handle": 259_200}
NOBODY_CAME = 0.05
SHARES = {"invalid": 0.03, "duplicate": 0.04, "test": 0.002, "exercise": 0.01, "missing": 0.01}


def pack() -> Pack:
    """Return xianju's pack, widened to 300 units and 151 kinds."""
    known = load_pack(ROOT / "deploy/regions/xianju")
    units = [
        replace(u, id=f"{u.id}-{n:03}", name=f"{u.name}{n}") if n >= len(known.units) else u
        for n in range(UNITS)
        for u in (known.units[n % len(known.units)],)
    ]
    kinds = [
        replace(k, code=f"{k.code.split('.')[0]}.k{n:03}", name=f"{k.name}{n}")
        if n >= len(known.categories)
        else k
        for n in range(KINDS)
        for k in (known.categories[n % len(known.categories)],)
    ]
    return replace(known, units=tuple(units), categories=tuple(kinds))


def months(known: Pack) -> list[Period]:
    """Return the twelve months of the year and, first, the one T2 compares the last with."""
    labels = [f"{YEAR - 1}-12", *(f"{YEAR}-{n:02}" for n in range(1, 13))]
    return [periods.month(label, known.region.zone) for label in labels]


def folder_of(root: Path, rows: int) -> Path:
    """Return where *rows* cases a year are kept under *root*: a name of everything they depend on."""
    month = months(pack())[0]
    said = [*_facts(month, 0, rows // 12), sql.CALLS, sql.CALL_PARTS, sql.JUDGED_CALLS]
    said += [
        sql.EXEMPTIONS,
        sql.DUTIES,
        sql.ENDED_CLOCKS,
        sql.CLOCK_PARTS,
        sql.JUDGED_CLOCKS,
        *sql.ORDERS.values(),
    ]
    said += [*sql.COUNTS.values(), duckdb.__version__]
    return root / f"{rows}-{sha256(''.join(said).encode()).hexdigest()[:12]}"


def generate(folder: Path, rows: int) -> int:
    """Write the months that *folder* lacks, each judged and closed on its own; return how many.

    A month appears whole or not at all, so what was interrupted goes on with the month it was at.
    """
    known = pack()
    every = months(known)
    lacking = [each for each in every if not (folder / each.label).exists()]
    began = time.perf_counter()
    with month_sets.opened() as db:
        _names(db, known)
        for number, month in enumerate(lacking, 1):
            files = _written(db, folder, rows // 12, month, every.index(month))
            left = (time.perf_counter() - began) / number * (len(lacking) - number)
            print(
                f"generated {month.label}, {number} of {len(lacking)}: "
                f"{sum(f.rows for f in files if f.kind in FACTS):,} facts, "
                f"{sum(f.size for f in files) / 1e6:,.0f} MB, about {left / 60:.0f} min left",
                flush=True,
            )
    return len(lacking)


def _written(
    db: Connection, folder: Path, cases: int, month: Period, number: int
) -> list[FrozenFile]:
    for statement in _facts(month, number, cases):
        db.execute(statement)
    month_sets.judge(db, month, dict.fromkeys(Population, month.end))
    partial = folder / "partial"
    rmtree(partial, ignore_errors=True)
    files = parquet_files.write(db, partial, month.label, (*COUNTED, *COUNTS))
    (partial / month.label).rename(folder / month.label)
    return files


def paths(folder: Path, month: Period, kind: Kind) -> list[Path]:
    """Return the file of one kind of a month."""
    return sorted((folder / month.label).glob(f"{kind}-*.parquet"))


def _names(db: Connection, known: Pack) -> None:
    for name, values in (
        ("units", [u.id for u in known.units]),
        ("kinds", [k.code for k in known.categories]),
        ("areas", [a.code for a in known.areas]),
    ):
        db.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT $values AS ids", {"values": values}
        )


def _facts(month: Period, number: int, cases: int) -> list[str]:
    """Return the statements that make one month's raw facts of both kinds of call and limit."""
    length_us = int((month.end - month.start).total_seconds() * 1_000_000)
    start = f"TIMESTAMPTZ '{month.start.isoformat()}'"

    def chance(salt: int) -> str:
        return f"((hash(i * 64 + {salt}, {SEED + number}) >> 11) / 9007199254740992.0)"

    def uid(salt: str) -> str:
        return f"md5('{number}/{salt}/' || i)::UUID"

    def picked(table: str, salt: int, power: float) -> str:
        return f"(SELECT ids FROM {table})[1 + (pow({chance(salt)}, {power}) * len((SELECT ids FROM {table})))::BIGINT % len((SELECT ids FROM {table}))]"

    standing = chance(3)
    at = f"{start} + to_microseconds((({chance(1)} + {chance(2)}) / 2 * {length_us - 1_000_000})::BIGINT // 1000000 * 1000000)"
    return [
        f"""CREATE OR REPLACE TEMP TABLE cases AS SELECT i, {uid("incident")} AS incident_id,
  {uid("call")} AS call_id, {uid("duty")} AS assignment_id, {at} AS received_at,
  {picked("units", 4, 1.5)} AS unit, {picked("kinds", 5, 2.0)} AS category,
  {picked("areas", 6, 1.3)} AS area,
  CASE WHEN {chance(7)} < 0.45 THEN '110' WHEN {chance(7)} < 0.6 THEN '122'
    WHEN {chance(7)} < 0.62 THEN '119' ELSE '12345' END AS line,
  CASE WHEN {standing} < {SHARES["invalid"]} THEN 'invalid'
    WHEN {standing} < {SHARES["invalid"] + SHARES["duplicate"]} THEN 'duplicate'
    ELSE 'closed' END AS state,
  {chance(8)} < {SHARES["exercise"]} AS exercise, {chance(9)} < {SHARES["test"]} AS test,
  CASE WHEN {chance(10)} > {NOBODY_CAME}
    THEN received_at + to_milliseconds({_took_ms("arrival", chance(15))}) END AS on_scene_at
FROM range({cases}) r(i)""",
        """CREATE OR REPLACE TEMP TABLE calls AS SELECT call_id, 1::BIGINT AS version,
  incident_id AS opens, line AS source, line, CASE line WHEN '12345' THEN 'ordinary' ELSE 'urgent' END
  AS lane, received_at, received_at AS recorded_at, category, 4::BIGINT AS severity, area,
  false AS withdrawn, exercise, test FROM cases""",
        "CREATE OR REPLACE TEMP TABLE links AS SELECT call_id, incident_id FROM cases WHERE false",
        """CREATE OR REPLACE TEMP TABLE incidents AS SELECT incident_id, 9::BIGINT AS version,
  'XJ-' || i AS number, line, 'urgent' AS lane, state, 'public_order' AS affair, category,
  4::BIGINT AS severity, area, received_at, received_at AS accepted_at,
  received_at AS dispatched_at, on_scene_at, on_scene_at AS handled_at,
  received_at AS ended_at, NULL::UUID AS merged_into, 0::BIGINT AS rework, 0::BIGINT AS reopened,
  '2026.11' AS pack_version, exercise, test FROM cases""",
        f"""CREATE OR REPLACE TEMP TABLE assignments AS SELECT assignment_id, incident_id,
  9::BIGINT AS version, unit, 'police' AS department, 'standing' AS unit_kind, 'lead' AS role,
  'dispatched' AS origin, 'fed_back' AS state, 'county_town' AS relation, received_at AS sent_at,
  received_at AS acked_at, received_at AS turned_out_at, NULL::TIMESTAMPTZ AS assembled_at,
  CASE WHEN {chance(10)} > {NOBODY_CAME} THEN received_at END AS arrived_at,
  CASE WHEN {chance(11)} < 0.1 THEN 'desk' ELSE 'unit' END AS arrived_by,
  {chance(12)} < 0.05 AS arrived_late_told,
  CASE WHEN {chance(13)} > 0.05 THEN received_at END AS ended_at, 'unit' AS ended_by,
  false AS ended_late_told, NULL::TIMESTAMPTZ AS waived_at, received_at AS fed_back_at,
  NULL::TIMESTAMPTZ AS released_at, ({chance(14)} < 0.02)::BIGINT AS rework, '' AS exempt,
  exercise, test FROM cases""",
        "CREATE OR REPLACE TEMP TABLE clocks AS "
        + " UNION ALL BY NAME ".join(
            _clocks(kind, month, chance, uid) for kind in ("ack", "arrival", "feedback", "handle")
        ),
    ]


def _clocks(
    kind: str, month: Period, chance: Callable[[int], str], uid: Callable[[str], str]
) -> str:
    """Return the limits of one kind, one of each case; an arrival in five is an assembly (R03)."""
    salt = 16 + 8 * list(LIMITS_S).index(kind)
    name = (
        f"CASE WHEN {chance(salt + 1)} < 0.2 THEN 'assembly' ELSE 'arrival' END"
        if kind == "arrival"
        else f"'{kind}'"
    )
    limit = f"CASE kind WHEN 'assembly' THEN {LIMITS_S['assembly']} ELSE {LIMITS_S[kind]} END"
    span = int((month.end - month.start).total_seconds()) - 1
    return f"""
SELECT {uid(kind)} AS clock_id, kind, 'R01' AS rule, '1' AS rule_version, assignment_id, unit,
  due - to_seconds({limit}) AS started, due, ({limit})::DOUBLE AS limit_s,
  CASE WHEN took_ms <= 1000 * {limit} THEN 'met' ELSE 'breached' END AS state, true AS judged,
  {chance(salt + 3)} < 0.6 AS day,
  CASE WHEN {chance(salt + 4)} > {SHARES["missing"]}
    THEN due - to_seconds({limit}) + to_milliseconds(took_ms) END AS stopped,
  NULL::TIMESTAMPTZ AS breached_at, false AS found_late, false AS corrected,
  {chance(salt + 5)} < 0.002 AS exempt, incident_id, 5::BIGINT AS version, exercise
FROM (SELECT *, {name} AS kind, {_took_ms(kind, chance(salt))} AS took_ms,
  TIMESTAMPTZ '{month.start.isoformat()}' + to_seconds(({chance(salt + 2)} * {span})::BIGINT) AS due
  FROM cases)"""


def _took_ms(kind: str, chance: str) -> str:
    """Return a length drawn from what was recorded, straight between two of its QUANTILES_S."""
    quantiles = QUANTILES_S[kind]
    listed = "[" + ", ".join(map(str, [*quantiles, quantiles[-1]])) + "]"
    at = f"({chance} * {len(quantiles) - 1})"
    low, high = (f"list_extract({listed}, {n} + floor({at})::INTEGER)" for n in (1, 2))
    return f"(1000 * ({low} + ({at} - floor({at})) * ({high} - {low})))::BIGINT"
