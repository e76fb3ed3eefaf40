"""Suppression: what is hidden follows from no combination of what is shown."""

from __future__ import annotations

from random import Random
from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from services.reports.domain.crosstab import CountTable, count_table, published_counts
from services.reports.domain.published_unknowns import solved
from services.reports.domain.suppression import hidden
from tests.unit.reports.knowable import Reader

COUNT = st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6, 8, 43])
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(COUNT, min_size=width, max_size=width), min_size=1, max_size=6)
)


def table(rows: list[list[int]]) -> CountTable:
    """Return the counts in *rows* with both margins."""
    places = {(f"r{r}", f"c{c}"): n for r, row in enumerate(rows) for c, n in enumerate(row)}
    names = {f"r{r}": f"r{r}" for r in range(len(rows))}
    return count_table(places, names, [f"c{c}" for c in range(len(rows[0]))])


def reader_of(whole: CountTable) -> Reader:
    """Return a reader of *whole* as published."""
    reader, shown = Reader(), published_counts(whole)
    pairs = list(zip([whole.total, *whole.rows], [shown.total, *shown.rows], strict=True))
    columns = [cell.id for cell in whole.total.cells]
    for row, seen in pairs:
        reader.reads(f"{row.id}/total", row.total, seen.total)
        for cell, other in zip(row.cells, seen.cells, strict=True):
            reader.reads(f"{row.id}/{cell.id}", cell.count, other.count)
        reader.adds(f"{row.id}/total", *(f"{row.id}/{column}" for column in columns))
    for column in [*columns, "total"]:
        reader.adds(f"total/{column}", *(f"{row.id}/{column}" for row in whole.rows))
    return reader


def test_several_sums_together_do_not_solve_a_cell() -> None:
    """48 - 43 - (12 - 8) = 1: a row, two columns and another row told the first cell."""
    reader = reader_of(table([[1, 3, 1, 43], [6, 0, 0, 6], [3, 0, 0, 1], [8, 2, 6, 0]]))

    assert {} == reader.computes()


@given(TABLES)
def test_no_hidden_cell_of_a_table_is_determined(rows: list[list[int]]) -> None:
    """FIGURES: with a second cell where a sum would give it away, or any number of sums."""
    reader = reader_of(table(rows))

    assert {} == reader.computes()
    assert {} == reader.small()


def test_hidden_cells_that_can_only_be_one_are_given_company() -> None:
    """Two hidden of a group of two are one each; what is hidden is never zero."""
    values = {"all": 30, "a": 1, "b": 1, "rest": 28, "a+b": 2, "more": 28}
    sums = [("all", "a", "b", "rest"), ("all", "a+b", "more"), ("a+b", "a", "b")]
    gone = set(hidden(values, sums))

    assert {"a", "b"} == solved({"t": 2, "a": 1, "b": 1}, [("t", "a", "b")], {"a", "b"})
    assert set() == solved(values, sums, gone)


def test_a_large_table_is_quick() -> None:
    """45 units by 30 columns in less than a second of this process's time."""
    draw = Random(1)
    rows = [[draw.choice([0, 0, 0, 1, 2, 7, 30]) for _ in range(30)] for _ in range(45)]
    whole = table(rows)
    began = process_time()
    published_counts(whole)

    assert process_time() - began < 1
