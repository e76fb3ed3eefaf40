"""What is published: no count of one to four can be read or computed from its neighbours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.reports.domain.facts import Population
from services.reports.domain.overview import Overview, overview
from services.reports.domain.publication import published_overview, published_units
from services.reports.domain.suppression import LEAST, hidden
from services.reports.domain.units import unit_table
from tests.unit.reports.cases import NOVEMBER, T0, a_call, a_clock, facts, opened, xianju

COUNTS = st.lists(st.integers(0, 12), min_size=1, max_size=6)


def published(*found: Any) -> Overview:
    """Return T1 of November as published."""
    return published_overview(overview(facts(*found), NOVEMBER, Population.REAL, xianju()))


def test_one_small_cell_takes_a_second_with_it() -> None:
    """3 of 43 would be 43 minus the others: the next smallest goes too."""
    values = {"total": 43, "a": 3, "b": 10, "c": 30, "d": 0}

    assert {"a", "b"} == hidden(values, [("total", "a", "b", "c", "d")])


def test_two_small_cells_that_make_less_than_five_take_a_third() -> None:
    """1 + 1 hidden of a known total says that two cases stand there: a third cell is needed."""
    values = {"total": 32, "a": 1, "b": 1, "c": 30}

    assert {"a", "b", "c"} == hidden(values, [("total", "a", "b", "c")])


def test_without_a_second_cell_the_total_goes() -> None:
    """A single cell is its own total."""
    values = {"total": 7, "a": 3, "b": 4}

    assert {"a", "b"} == hidden(values, [("total", "a", "b")])
    assert {"total", "a"} == hidden({"total": 3, "a": 3, "b": 0}, [("total", "a", "b")])


@given(COUNTS)
def test_no_small_cell_can_be_computed(parts: list[int]) -> None:
    """Of a sum, hidden cells are at least two and together five, or their total is hidden."""
    cells = {f"p{n}": count for n, count in enumerate(parts)}
    gone = hidden({"total": sum(parts)} | cells, [("total", *cells)])

    covered = [count for name, count in cells.items() if name in gone]
    assert {name for name, n in cells.items() if 0 < n < LEAST} <= gone
    if "total" not in gone and covered:
        assert len(covered) > 1
        assert sum(covered) >= LEAST


@given(st.lists(COUNTS.filter(lambda row: len(row) == 3), min_size=2, max_size=4))
def test_rows_and_columns_protect_each_other(table: list[list[int]]) -> None:
    """In a table with both margins no line leaves a single unknown."""
    cells = {f"{r}/{c}": n for r, row in enumerate(table) for c, n in enumerate(row)}
    rows = {f"{r}/all": sum(row) for r, row in enumerate(table)}
    columns = {f"all/{c}": sum(row[c] for row in table) for c in range(3)}
    values = cells | rows | columns | {"all/all": sum(rows.values())}
    names = [*range(len(table)), "all"]
    sums = [(f"{r}/all", *(f"{r}/{c}" for c in range(3))) for r in names]
    sums += [(f"all/{c}", *(f"{r}/{c}" for r in range(len(table)))) for c in [0, 1, 2, "all"]]
    gone = hidden(values, sums)

    for each in sums:
        unknown = [name for name in each if name in gone and values[name]]
        assert len(unknown) != 1


def test_the_published_overview_hides_small_rows_and_what_nests_in_them() -> None:
    """T1: 3 fires of 13 are hidden with a second row; categories would give them away."""
    report = published(
        *(a_call(n) for n in range(10)),
        *(a_call(f"fire {n}", category="fire.vehicle", line="119") for n in range(3)),
    )

    assert (13, 13) == (report.received, report.valid)
    assert {"rescue": None, "traffic": None} == {
        part.id: part.count for part in report.by_row.rows if part.id in {"rescue", "traffic"}
    }
    assert report.by_category is None
    assert report.heading.published


def test_a_small_number_of_invalid_calls_hides_the_received() -> None:
    """Received minus valid would be the invalid ones."""
    calls = [a_call(n) for n in range(20)]
    report = published(*calls, opened(calls[0], state="invalid"))

    assert None in {report.received, report.valid}
    assert report.invalid is None
    assert report.valid_rate is None


def test_published_units_show_no_single_cases() -> None:
    """T3: small cohorts hidden with a second unit's, open cases not listed, spreads need five."""
    clocks = [a_clock(n) for n in range(3)]
    clocks += [a_clock(f"b{n}", unit="xj-rescue") for n in range(6)]
    clocks += [a_clock(f"c{n}", unit="xj-medical", took=T0 - T0) for n in range(20)]
    whole = unit_table(facts(*clocks), NOVEMBER, Population.REAL, xianju())

    table = published_units(whole)

    shown = {row.unit: row.arrival.all.should for row in table.units if row.arrival.all.should != 0}
    assert {"xj-traffic": None, "xj-rescue": None, "xj-medical": 20} == shown
    assert ([], None) == (table.censored, table.censored_count)


def test_late_and_open_together_are_not_told_by_what_was_on_time() -> None:
    """One late and two open of 33: should less on time would be the three."""
    took = [*([T0 - T0] * 30), timedelta(hours=1), None, None]
    whole = unit_table(
        facts(*(a_clock(n, took=t) for n, t in enumerate(took))),
        NOVEMBER,
        Population.REAL,
        xianju(),
    )

    row = next(row for row in published_units(whole).units if row.unit == "xj-traffic")

    assert None in {row.arrival.all.should, row.arrival.all.on_time}
    assert row.arrival.all.rate is None


def test_bands_do_not_tell_a_hidden_count() -> None:
    """180 s are a band's edge and the limit: the last band would be the late ones."""
    limit = timedelta(minutes=3)
    took = [*(limit for _ in range(30)), *(2 * limit for _ in range(6)), *(None for _ in range(3))]
    clocks = [a_clock(n, "ack", limit=limit, took=t) for n, t in enumerate(took)]
    whole = unit_table(facts(*clocks), NOVEMBER, Population.REAL, xianju())

    row = next(row for row in published_units(whole).units if row.unit == "xj-traffic")

    assert (39, None, None) == (row.sign_for.should, row.sign_for.late, row.sign_for.open)
    assert {None} == {band.count for band in row.sign_for_bands or []}
