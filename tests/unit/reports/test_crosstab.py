"""Tables of two dimensions: parts sum to the whole, and nothing small can be read in what is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.reports.domain.crosstab import (
    MEASURES,
    Case,
    CountTable,
    Kept,
    KeptTable,
    Outcome,
    count_table,
    kept_table,
    published_counts,
    published_kept,
)
from services.reports.domain.suppression import LEAST

ROWS = {"a": "甲", "b": "乙"}
COLUMNS = ("x", "y")
_CASES = st.dictionaries(
    st.builds(
        Case,
        st.sampled_from(["a", "b", "elsewhere"]),
        st.sampled_from(["x", "y", "unheard-of"]),
        st.sampled_from(Outcome),
    ),
    st.integers(1, 9),
)


@given(_CASES)
def test_rows_and_columns_sum_to_the_total(cases: dict[Case, int]) -> None:
    """Parts sum to the whole, cases of no named row or column included."""
    table = kept_table(cases, ROWS, COLUMNS)

    whole = table.total.total
    assert sum(cases.values()) == (whole.should or 0) + (whole.exempt or 0)
    assert sum(n for case, n in cases.items() if case.outcome is Outcome.EXEMPT) == whole.exempt
    for total, parts in lines(table):
        for name in MEASURES:
            assert getattr(total, name) == sum(getattr(part, name) for part in parts)
    for row in (table.total, *table.rows):
        for cell in (row.total, *row.cells):
            assert cell.should == (cell.on_time or 0) + (cell.late or 0) + (cell.open or 0)


@given(_CASES)
def test_no_small_cell_is_published_nor_left_alone(cases: dict[Case, int]) -> None:
    """No count of one to four; no line whose total stays lacks just one number, or less than five."""
    whole = kept_table(cases, ROWS, COLUMNS)
    table = published_kept(whole)

    for (_, before), (_, after) in zip(sums(whole), sums(table), strict=True):
        assert all(n is None or n == 0 or n >= LEAST for n in after)
        unknown = [b for b, a in zip(before[1:], after[1:], strict=True) if a is None]
        if after[0] is not None and unknown:
            assert len(unknown) > 1
            assert sum(n or 0 for n in unknown) >= LEAST


@given(_CASES)
def test_a_published_rate_rests_on_two_published_counts(cases: dict[Case, int]) -> None:
    """A percentage would give its hidden numerator away."""
    table = published_kept(kept_table(cases, ROWS, COLUMNS))

    for row in (table.total, *table.rows):
        for cell in (row.total, *row.cells):
            if cell.should is None or cell.on_time is None:
                assert cell.rate is None


@given(
    st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), st.integers(1, 9))
)
def test_counts_sum_and_hide_as_well(places: dict[tuple[str, str], int]) -> None:
    """The same holds for plain counts."""
    whole = count_table(places, ROWS, COLUMNS)
    table = published_counts(whole)

    assert sum(places.values()) == whole.total.total
    assert whole.total.total == sum(row.total or 0 for row in whole.rows)
    for before, after in zip(counts(whole), counts(table), strict=True):
        assert before[0] == sum(n or 0 for n in before[1:])
        assert all(n is None or n == 0 or n >= LEAST for n in after)
        unknown = [b for b, a in zip(before[1:], after[1:], strict=True) if a is None]
        if after[0] is not None and unknown:
            assert len(unknown) > 1
            assert sum(n or 0 for n in unknown) >= LEAST


def test_what_has_no_name_stands_under_other() -> None:
    """An unknown row shows only where it has something, unless it is asked for."""
    some = Counter({Case("elsewhere", "x", Outcome.LATE): 1})

    assert ["a", "b", "other"] == [row.id for row in kept_table(some, ROWS, COLUMNS).rows]
    assert ["a", "b"] == [row.id for row in kept_table({}, ROWS, COLUMNS).rows]
    assert ["x", "y", "other"] == [
        cell.id for cell in kept_table({}, ROWS, COLUMNS, other=True).total.cells
    ]


def lines(table: KeptTable) -> Iterator[tuple[Kept, Sequence[Kept]]]:
    """Yield every total with its parts, across and down."""
    for row in (table.total, *table.rows):
        yield row.total, row.cells
    yield table.total.total, [row.total for row in table.rows]
    for n, cell in enumerate(table.total.cells):
        yield cell, [row.cells[n] for row in table.rows]


def sums(table: KeptTable) -> Iterator[tuple[str, list[int | None]]]:
    """Yield every sum: a total and its parts, by measure and inside each cell."""
    for total, parts in lines(table):
        for name in MEASURES:
            yield name, [getattr(total, name), *(getattr(part, name) for part in parts)]
    for row in (table.total, *table.rows):
        for cell in (row.total, *row.cells):
            yield "cell", [getattr(cell, name) for name in MEASURES]


def counts(table: CountTable) -> Iterator[list[int | None]]:
    """Yield every sum of a table of counts."""
    for row in (table.total, *table.rows):
        yield [row.total, *(cell.count for cell in row.cells)]
    for n, cell in enumerate(table.total.cells):
        yield [cell.count, *(row.cells[n].count for row in table.rows)]
