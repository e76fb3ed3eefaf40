"""Response time in T1: receipt to first arrival, who waits still is censored and never dropped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain.facts import Population
from services.reports.domain.overview import overview
from services.reports.domain.publication import published_overview
from services.reports.domain.response import Response, ResponseRow
from services.reports.domain.suppression import LEAST
from tests.unit.reports.cases import NOVEMBER, T0, a_call, facts, opened, xianju

MINUTE = timedelta(minutes=1)


def arrived(name: object, after: timedelta | None, **changes: Any) -> list[Any]:
    """Return a call and its incident, which somebody reached so long *after* the receipt."""
    call = a_call(name, **changes)
    at = None if after is None else call.received_at + after
    return [call, opened(call, on_scene_at=at)]


def response(*found: list[Any], **read: Any) -> Response:
    """Return the table of November."""
    known = facts(*(each for pair in found for each in pair), **read)
    table = overview(known, NOVEMBER, Population.REAL, xianju()).response

    assert table
    return table


def row(table: Response, line: str) -> ResponseRow:
    """Return the row of a line."""
    return next(each for each in table.rows if each.id == line)


def test_response_time_counted_by_hand() -> None:
    """FIGURES: received -> first arrival; n, mean, P50, P90, max together, few cases unstable."""
    waited = [arrived(n, n * MINUTE) for n in (4, 6, 8, 22)]
    table = response(*waited, arrived("open", None), arrived("fire", MINUTE, line="119"))

    traffic = row(table, "122")
    assert (4, 1) == (traffic.arrived, traffic.open)
    assert traffic.spread
    assert (600.0, 360.0, 1320.0, 1320.0, True) == (
        traffic.spread.mean_s,
        traffic.spread.p50_s,
        traffic.spread.p90_s,
        traffic.spread.max_s,
        traffic.spread.unstable,
    )
    assert (5, 1) == (table.total.arrived, table.total.open)
    assert table.total.spread
    assert 360.0 == table.total.spread.p50_s


def test_only_what_counts_and_was_known_at_the_cut_is_in_it() -> None:
    """An arrival after the cut is none yet; invalid calls and exercises have no response time."""
    late = NOVEMBER.end - T0 + MINUTE
    table = response(
        arrived("late", late),
        arrived("withdrawn", MINUTE, withdrawn=True),
        arrived("drill", MINUTE, exercise=True),
        arrived("before", -MINUTE),
        arrived("fax", MINUTE, line="fax"),
    )

    assert (2, 1) == (table.total.arrived, table.total.open)
    assert row(table, "other").arrived == 1
    before = row(table, "122").spread
    assert before
    assert 0.0 == before.max_s


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["110", "119", "122", "12345", "fax"]), st.booleans()),
        max_size=60,
    )
)
def test_published_no_small_number_stands_or_follows(cases: list[tuple[str, bool]]) -> None:
    """Cells below five are hidden; nor is one what is left of a line or of the total."""
    found = [
        arrived(n, MINUTE if there else None, line=line) for n, (line, there) in enumerate(cases)
    ]
    known = facts(*(each for pair in found for each in pair))
    shown = published_overview(overview(known, NOVEMBER, Population.REAL, xianju()))

    assert shown.response
    valid = {part.id: part.count for part in shown.by_line.rows}
    for each in shown.response.rows:
        numbers = [each.arrived, each.open]
        whole = valid[each.id]
        if whole is not None:
            numbers += [whole - n for n in numbers if n is not None]
        assert all(n is None or n == 0 or n >= LEAST for n in numbers)
        assert (each.spread is None) == (each.arrived is None)
    for name in ("arrived", "open"):
        parts = [getattr(each, name) for each in shown.response.rows]
        if getattr(shown.response.total, name) is not None and None in parts:
            assert parts.count(None) > 1


def test_the_page_has_it_in_both_languages() -> None:
    """A table of T1 with its English."""
    report = overview(facts(*arrived(1, MINUTE)), NOVEMBER, Population.REAL, xianju())
    page = render(report, Form.HTML).decode()

    for words in (
        "响应时间（接警至首个到场）",
        "Response time (receipt to first arrival)",
        "无到场",
    ):
        assert words in page
