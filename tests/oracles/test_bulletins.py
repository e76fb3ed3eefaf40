"""Figures that bureaux printed, by the code that makes ours, from the numbers printed beside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.reports.domain.cohorts import Cohort, cohort
from services.reports.domain.quantities import breakdown, rate
from tests.unit.reports.cases import AFTER, a_clock

LIMIT = timedelta(hours=24)

XIANJU_2011 = {
    "rescue": 306,
    "traffic": 8_249,
    "help": 1_609,
    "suicide risk": 2,
    "doctor and patient": 35,
    "illegal net café": 5,
    "group hazard": 32,
    "disaster": 14,
}


def owed(*, on_time: int, late: int, open_: int, deferred: int = 0) -> Cohort:
    """Return the cohort of handle clocks due in a month; deferred ones (缓办, 挂账) stand."""
    clocks = [
        a_clock((kind, n), "handle", limit=LIMIT, took=took, state=state)
        for kind, amount, took, state in (
            ("on time", on_time, LIMIT, "met"),
            ("late", late, LIMIT * 2, "breached"),
            ("open", open_, None, "breached"),
            ("deferred", deferred, None, "paused"),
        )
        for n in range(amount)
    ]
    return cohort(clocks, AFTER)


def test_tianmen_december_2016() -> None:
    """996 filed, 972 to close, 911 closed, 737 on time: 93.72 % and 75.82 % of those to close."""
    december = owed(on_time=737, late=911 - 737, open_=972 - 911)

    assert (972, 911) == (december.should, december.done)
    assert december.rate is not None
    assert 75.82 == december.rate.percent
    assert 93.72 == rate(december.done or 0, december.should or 0).percent
    assert 75.82 != rate(737, 996).percent


def test_jinhua_takes_deferrals_out() -> None:
    """On time ÷ (should-close − deferred), and the deferred are shown beside."""
    month = owed(on_time=90, late=4, open_=2, deferred=4)

    assert 4 == month.suspended
    assert rate(90, 100 - 4) == month.rate


def test_jinhua_with_everything_deferred_has_no_rate() -> None:
    """Nothing was owed: –, not 0 % and not a crash."""
    month = owed(on_time=0, late=0, open_=0, deferred=4)

    assert month.rate is not None
    assert month.rate.percent is None


def test_xianju_2011_leaves_22026_others() -> None:
    """A05-07: 32,278 valid of 78,471; the printed parts and 其他 must sum to the whole."""
    table = breakdown(32_278, XIANJU_2011, {name: name for name in XIANJU_2011})

    assert 22_026 == table.rows[-1].count
    assert 32_278 == sum(part.count or 0 for part in table.rows)
    assert pytest.approx(41.1, abs=0.05) == rate(32_278, 78_471).percent
