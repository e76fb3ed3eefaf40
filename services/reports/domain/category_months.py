"""T2, categories by month: valid cases beside last month's (环比) and last year's (同比)."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Facts, Population
from services.reports.domain.heading import Heading, heading
from services.reports.domain.overview import Overview, overview
from services.reports.domain.period import Period
from services.reports.domain.publication import published_overview
from services.reports.domain.quantities import Breakdown, Rate, rate
from shared.contracts.pack import Pack

FORMULA = 2
"""2: published, a count is hidden that follows from any combination of T1's sums."""
TOTAL, TOTAL_NAME = "total", "合计"


class CategoryRow(Struct, frozen=True, kw_only=True):
    """One category in three periods; None: suppressed, or a day that last year did not have.

    `on_before` and `on_year` are (now − then) ÷ then: – (`percent` None) where then is 0, None
    where either count is.
    """

    id: str
    name: str
    count: int | None
    before: int | None
    last_year: int | None
    on_before: Rate | None
    on_year: Rate | None


class CategoryTable(Struct, frozen=True, kw_only=True):
    """T2. In every column the rows sum to `total`; `before` and `last_year` name the periods."""

    heading: Heading
    before: str
    last_year: str | None
    rows: list[CategoryRow]
    total: CategoryRow


def category_table(
    facts: Facts, period: Period, population: Population, pack: Pack, *, published: bool = False
) -> CategoryTable:
    """Compute T2 from facts of *period* and the two it is compared with."""

    def counted(of: Period) -> Overview:
        return overview(facts, of, population, pack)

    return category_table_of(counted, period, population, pack, published=published)


def category_table_of(
    whole: Callable[[Period], Overview],
    period: Period,
    population: Population,
    pack: Pack,
    *,
    published: bool = False,
) -> CategoryTable:
    """Return T2 from T1 of *period* and of the two it is compared with, which *whole* gives.

    Every cell is one of T1, and what is published shows none that T1 hides.
    """

    def counted(of: Period) -> Overview:
        found = whole(of)
        return published_overview(found) if published else found

    before, last_year = period_before(period), year_before(period)
    now, then = counted(period), counted(before)
    year = counted(last_year) if last_year else None
    columns = [_column(each) for each in (now.by_row, then.by_row)]
    columns.append(_column(year.by_row) if year else {})
    above = heading("T2", FORMULA, period, population, pack)
    return CategoryTable(
        heading=replace(above, published=published),
        before=before.label,
        last_year=last_year.label if last_year else None,
        rows=[
            _row(part.id, part.name, *(c.get(part.id) for c in columns)) for part in now.by_row.rows
        ],
        total=_row(TOTAL, TOTAL_NAME, *(c.get(TOTAL) for c in columns)),
    )


def _column(table: Breakdown) -> dict[str, int | None]:
    return {**{part.id: part.count for part in table.rows}, TOTAL: table.total}


def _row(
    id_: str, name: str, count: int | None, before: int | None, last_year: int | None
) -> CategoryRow:
    return CategoryRow(
        id=id_,
        name=name,
        count=count,
        before=before,
        last_year=last_year,
        on_before=_growth(count, before),
        on_year=_growth(count, last_year),
    )


def _growth(now: int | None, then: int | None) -> Rate | None:
    return None if now is None or then is None else rate(now - then, then)
