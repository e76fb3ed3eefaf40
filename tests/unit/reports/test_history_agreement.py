"""The set-based import and month agree with the pure functions, row by row."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.reports.adapters import history, history_months
from services.reports.adapters.history_scope import scope_of
from services.reports.adapters.history_sql import stored
from services.reports.domain import history_month
from services.reports.domain import period as periods
from services.reports.domain.history_mapping import Dimension, InTwo, Mapping, Stamp
from services.reports.domain.history_rows import Case, cases
from tests.unit.reports import history_files
from tests.unit.reports.history_files import JUDGED, MERGED, ROWS, UNITS

AUTUMN = datetime(2015, 10, 31, 20)  # noqa: DTZ001 - local: the night the clocks go back, and a month's end
FORMS = ["%Y-%m-%d %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"]
ODD = [
    "", " ", "NA", "1900-01-01 00:00:00", "1949-12-31 23:59:59", "1950-01-01 00:00:00",
    "2015-03-08 02:30:00", "2015-11-01 01:30:00", "2015-11-01 00:59:60", "2015-02-29 00:00:00",
    "2015-11-1 1:2:3", " 2015-11-01 01:30:00\t", "11/1/2015 12:00:00 am", "11/01/2015 13:00:00 PM",
    "2015-11-01", "soon", "2015-11-01 01:30:00 ", "0999-01-01 00:00:00", "２０15-11-01 01:30:00",
    "2015-11-01  01:30:00", "2199-12-31 23:59:59", "2015-11-01T01:30:00", "24/12/2015 01:00:00 AM",
]  # fmt: skip


PAIRS = replace(ROWS, key=["no", "where"])
TWO = replace(
    JUDGED,
    time_formats=["%d %b %Y %H:%M:%S", "%d %b %Y", *FORMS],
    columns=replace(JUDGED.columns, received=InTwo(date="in", time="left"), turned_out=None),
)
"""The receipt stands in two columns, the day with the month's name."""
PAIRED = [
    history_files.row(no=str(n), in_=day, left=time)
    for n, (day, time) in enumerate(
        [
            ("01 Nov 2015", "01:30:00"), ("1 NOV 2015", "1:30:00"), ("01 nov 2015", ""),
            ("", "01:30:00"), ("", ""), ("31 Nov 2015", "01:30:00"), ("01 Nov 2015", "25:00:00"),
            ("NA", "01:30:00"), ("01 Nov 2015", "NA"), ("01 Nov  2015", "01:30:00"),
            ("01 November 2015", "01:30:00"), ("01 Okt 2015", "01:30:00"),
            (" 01 Nov 2015\t", " 01:30:00 "), ("2015-11-01", "01:30:00"),
        ]
    )
]  # fmt: skip
HUNDRED = [
    history_files.row(no=str(n), there=f"2015-11-02 08:{n // 60:02}:{n % 60:02}")
    for n in range(100)
]


@st.composite
def times(draw: st.DrawFn) -> str:
    """Texts round the end of daylight saving, some of them odd."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(ODD))
    at = AUTUMN + timedelta(seconds=draw(st.integers(0, 6 * 3600)))
    return at.strftime(draw(st.sampled_from(FORMS)))


VALUES = st.sampled_from(
    [
        "",
        "fire",
        "ems: fall",
        "ems: burn",
        ": x",
        "a:b:c",
        "消防：火",
        " NA ",
        "x\ty",
        'q"u,o\nte',
        "b\ufffdd",
        "'; --",
    ]
)
ROW = st.fixed_dictionaries(
    {
        "no": st.sampled_from(["1", "2", "3", "4", "", " 5", "5 ", "６"]),
        "in": times(),
        "out": times(),
        "there": times(),
        "done": times(),
        "due": times(),
        "dept": VALUES,
        "unit": VALUES,
        "what": VALUES,
        "where": VALUES,
        "verdict": st.sampled_from(["", "OK", "FINE", "LATE", "late"]),
        "phone": st.just("13800000000"),
        "signed": times(),
        "left": times(),
        "told": times(),
        "state": st.sampled_from(["", "", "", "", "open", "dup", "VOID", "test", "drill"]),
        "file no": st.sampled_from(["", "A1", "a2"]),
    }
)  # fmt: skip


NAMES = ["id", "units", *Stamp, *Dimension, "overdue", "standing", "number", "counted_at"]


def kept(db: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    """Return the stored cases in the order of their ids."""
    names = ", ".join([*NAMES, "responses"])
    return db.execute(f"SELECT {names} FROM cases ORDER BY id::VARCHAR").fetchall()


def expected(case: Case) -> tuple[object, ...]:
    """Return *case* as it is stored."""
    stamps = [stored(at) if (at := case.stamps[s]) else None for s in Stamp]
    values = [case.values[d] for d in Dimension]
    sent: list[dict[str, object]] = [
        {
            "unit": r.unit,
            "part": r.part,
            **{s: stored(at) if (at := r.stamps[s]) else None for s in Stamp},
            **{d: r.values[d] if r.values else None for d in Dimension},
            "overdue": r.overdue,
            "standing": r.standing,
            "number": r.number,
        }
        for r in case.responses
    ]
    said = (case.overdue, case.standing, case.number, stored(case.counted_at))
    # no unit was mapped: nothing is kept of rows
    return (case.id, case.units, *stamps, *values, *said, sent or None)


@given(rows=st.lists(ROW, max_size=25), mapping=st.sampled_from([ROWS, UNITS, JUDGED, MERGED]))
@example(rows=[history_files.row(in_=each, no=str(n)) for n, each in enumerate(ODD)], mapping=ROWS)
@example(rows=[history_files.row(in_=each) for each in ODD], mapping=UNITS)
@example(rows=[history_files.row(due="2015-12-01 00:00:00", verdict="OK")], mapping=ROWS)
@example(rows=[history_files.row(where="north"), history_files.row(where="south")], mapping=UNITS)
@example(rows=[history_files.row(where=""), history_files.row(no="", where="1")], mapping=PAIRS)
@example(rows=HUNDRED, mapping=ROWS)
@example(rows=PAIRED, mapping=TWO)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_sets_and_rows_agree(rows: list[dict[str, str]], mapping: Mapping) -> None:
    """Same cases with the same ids, same rejects in the same rows, same figures of the month."""
    pure, refused = cases(rows, mapping, "county")
    with TemporaryDirectory() as place:
        folder = Path(place)
        done = history_files.load(
            history_files.written(folder / "in.csv", rows), folder / "kept", mapping
        )
        lines = history_files.rejects(done)
        with history.opened(folder / "kept", write=False) as db:
            sets = kept(db)
            for label in ("2015-10", "2015-11"):
                month = history_months.month(db, label, None, None)
                period = periods.month(label, scope_of(db, None, None).zone)

                assert history_month.month(pure, "county", period, month.basis) == month

    assert sorted(map(expected, pure), key=lambda each: str(each[0])) == sets
    assert [[str(n), "", r.reason, r.field, r.column, r.shape] for n, r in refused] == lines
    assert len(rows) == done.rows
