"""T8: what is missing or doubtful is counted, never repaired silently."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from services.reports.adapters.formats import Form, render
from services.reports.domain.facts import AssignmentFact, Population, RejectionFact
from services.reports.domain.quality import (
    QualityRow,
    QualityTable,
    published_quality,
    quality_table,
)
from tests.unit.reports.cases import (
    NOVEMBER,
    T0,
    a_call,
    a_clock,
    a_duty,
    facts,
    opened,
    uid,
    xianju,
)

DAY = timedelta(hours=24)
MINUTE = timedelta(minutes=1)
FAULTS = ("no_ack", "no_arrival", "no_end", "back_dated", "out_of_order")


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, ()),
        ({"acked_at": None}, ("no_ack",)),
        ({"arrived_at": None}, ("no_arrival",)),
        ({"ended_at": None}, ("no_end",)),
        ({"arrived_late_told": True}, ("back_dated",)),
        ({"ended_late_told": True}, ("back_dated",)),
        ({"acked_at": T0 - MINUTE}, ("out_of_order",)),
        ({"ended_at": T0 - MINUTE}, ("out_of_order",)),
        ({"turned_out_at": T0 + MINUTE}, ("out_of_order",)),
        ({"arrived_at": None, "ended_at": None}, ("no_arrival", "no_end")),
        ({"arrived_at": None, "waived_at": T0}, ()),
        ({"arrived_at": None, "unit_kind": "desk"}, ()),
        ({"acked_at": None, "arrived_at": None, "ended_at": None, "state": "returned"}, ()),
    ],
)
def test_what_is_doubtful_about_a_duty(changes: dict[str, Any], faults: tuple[str, ...]) -> None:
    """FIGURES, data quality: missing stamps, back-dated over 5 min, out of order."""
    total = _of(*_case("one", **changes)).total

    assert total.duties == 1
    assert faults == tuple(name for name in FAULTS if getattr(total, name))


def test_refused_bodies_are_counted_by_reason() -> None:
    """A body may have several reasons; one refused in December is December's."""
    table = _of(
        _refused("one", "unknown_code missing_field"),
        _refused("two", "unknown_code"),
        _refused("later", "unknown_code", NOVEMBER.end),
    )

    assert table.refused == 2
    assert [("missing_field", 1), ("unknown_code", 2)] == [
        (each.id, each.count) for each in table.refused_for
    ]


def test_an_exercise_s_table_counts_no_refused_body() -> None:
    """Nobody could read which population it was of: it is counted once, with the real ones."""
    found = facts(_refused("one", "unknown_code"))
    table = quality_table(found, NOVEMBER, Population.EXERCISE, xianju())

    assert table.refused == 0


def test_the_unclassified_share_is_of_the_valid_calls() -> None:
    """An invalid call is nobody's to classify."""
    plain, odd, void = a_call(1), a_call(2, category="unclassified"), a_call(3)
    table = _of(plain, odd, void, opened(void, state="invalid"))

    assert table.unclassified is not None
    assert (1, 2) == (table.unclassified.numerator, table.unclassified.denominator)


_CHANGES = st.fixed_dictionaries(
    {"unit": st.sampled_from(["xj-traffic", "xj-rescue", "unheard-of"])},
    optional={
        "acked_at": st.sampled_from([None, T0 - MINUTE]),
        "arrived_at": st.none(),
        "ended_late_told": st.booleans(),
    },
)


@any_of(st.lists(_CHANGES, max_size=40))
def test_units_sum_to_the_total(changes: list[dict[str, Any]]) -> None:
    """Parts sum to the whole, a unit that is not in the pack included."""
    table = _of(*(fact for n, each in enumerate(changes) for fact in _case(n, **each)))

    for name in ("duties", *FAULTS):
        assert getattr(table.total, name) == sum(getattr(row, name) for row in table.units)


@any_of(st.lists(_CHANGES, max_size=40))
def test_published_nothing_small_can_be_read_or_subtracted(changes: list[dict[str, Any]]) -> None:
    """Neither a fault of one to four duties, nor the one to four duties without it."""
    whole = _of(*(fact for n, each in enumerate(changes) for fact in _case(n, **each)))
    table = published_quality(whole)

    for row in (table.total, *table.units):
        for name in FAULTS:
            fault = getattr(row, name)
            assert fault is None or not 0 < fault < 5
            if fault is not None and row.duties is not None:
                assert not 0 < row.duties - fault < 5


def test_the_page_is_in_words() -> None:
    """Read by the bureau's clerk."""
    page = render(_of(*_case("one", acked_at=None), _refused("x", "unknown_code")), Form.HTML)

    assert "数据质量表" in page.decode()
    assert "拒收报文 1 份" in page.decode()


def _case(name: object, *, unit: str = "xj-traffic", **changes: Any) -> tuple[AssignmentFact, Any]:
    clock = a_clock(name, "feedback", due=T0 + DAY, limit=DAY, unit=unit)
    return a_duty(name, unit=unit, **changes), clock


def _refused(name: object, reasons: str, at: Any = T0) -> RejectionFact:
    return RejectionFact(uid("rejection", name), 1, "110", reasons, 80, at)


def _of(*found: Any) -> QualityTable:
    table = quality_table(facts(*found), NOVEMBER, Population.REAL, xianju())
    assert isinstance(table.total, QualityRow)
    return table
