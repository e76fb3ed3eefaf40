"""`stats.monthly`: every published figure of a frozen month, nothing hidden, ended when it is no more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace as changed

from services.reports.domain.facts import Population
from services.reports.domain.freezing import Revision, RevisionReason
from services.reports.domain.key_figures import figure_table
from services.reports.domain.monthly import NotPublished, messages, monthly_figures
from services.reports.domain.overview import overview
from services.reports.domain.publication import published_overview
from services.reports.domain.report import Report
from services.reports.domain.suppression import LEAST
from services.reports.domain.units import unit_table
from shared.contracts.stats import MonthlyFigure
from tests.unit.reports.cases import AFTER, NOVEMBER, T0, a_call, facts, opened, xianju
from tests.unit.reports.later_cases import FEW, histories

FREEZE = Revision(
    month="2026-11",
    number=0,
    at=AFTER,
    reason=None,
    epoch=1,
    offsets={},
    pack_stamp="xianju@2026.11",
    pack_sha256="",
    sheets=[],
)
OURS = (NOVEMBER, Population.REAL, xianju())


def _said(*found: Any, revision: Revision = FREEZE) -> dict[str, MonthlyFigure]:
    known = facts(*found)
    tables: list[Report] = [
        published_overview(overview(known, *OURS)),
        figure_table(known, *OURS, published=True),
    ]
    return {each.name: each for each in monthly_figures(tables, revision, xianju())}


def _calls(count: int, area: str = "331024001") -> list[Any]:
    made = [a_call((area, n), T0 + timedelta(minutes=n), area=area) for n in range(count)]
    return [*made, *(opened(call) for call in made)]


def test_a_count_a_rate_and_a_hidden_figure() -> None:
    """Area, month and figure are the key; what the published table hides has no number."""
    said = _said(*_calls(40), *_calls(20, "331024101"), *_calls(2, "331024102"))

    assert 62 == said["331024/2026-11/calls.valid"].numerator
    assert 40 == said["331024001/2026-11/calls.valid"].numerator
    rate = said["331024/2026-11/flow.valid"]
    assert (62, 62, "K", 3) == (rate.numerator, rate.denominator, rate.table, rate.formula)
    few = said["331024102/2026-11/calls.valid"]
    assert (True, None, None) == (few.suppressed, few.numerator, few.denominator)


@FEW
@given(histories(60))
def test_no_small_number_is_said(history: list[Any]) -> None:
    """Neither one to four nor, of a rate, a rest of one to four; a hidden figure says nothing."""
    for figure in _said(*history).values():
        rest = (figure.denominator or 0) - (figure.numerator or 0) if figure.denominator else 0
        for number in (figure.numerator, figure.denominator, rest):
            assert number is None or number == 0 or number >= LEAST
        assert figure.suppressed == (figure.numerator is None)


def test_a_table_with_all_its_cells_is_refused() -> None:
    """Whoever hands over the desk's own table has made a mistake."""
    whole: list[Report] = [overview(facts(*_calls(3)), *OURS), unit_table(facts(), *OURS)]

    for table in whole:
        with pytest.raises(NotPublished):
            list(monthly_figures([table], FREEZE, xianju()))


def test_exercises_have_keys_of_their_own() -> None:
    """演练 never stands under the key of the real month."""
    of = (NOVEMBER, Population.EXERCISE, xianju())
    tables = [published_overview(overview(facts(), *of))]
    names = [each.name for each in monthly_figures(tables, FREEZE, xianju())]

    assert "331024/2026-11/calls.valid.exercise" in names
    assert all(name.endswith(".exercise") for name in names)


def test_a_revision_goes_on_from_the_freeze_and_ends_what_is_no_more() -> None:
    """The same aggregate, the next version; a repeated freeze would make the same ids."""
    said = _said(*_calls(40))
    corrected = changed(FREEZE, number=1, reason=RevisionReason.LATE_EVENTS)
    first = messages(said.values(), FREEZE, xianju())
    again = messages(said.values(), FREEZE, xianju())
    second = messages(
        _said(*_calls(41), revision=corrected).values(), corrected, xianju(), [*said, "331024/x/y"]
    )

    assert [m.event_id for m in first] == [m.event_id for m in again]
    assert {"frozen"} == {m.change for m in first}
    assert {1} == {m.version for m in first}
    by = {m.key: m for m in second}
    assert {2} == {m.version for m in second}
    assert (None, "withdrawn") == (by["331024/x/y"].data, by["331024/x/y"].change)
    assert set(by) == {*said, "331024/x/y"}
    valid = by["331024/2026-11/calls.valid"]
    assert isinstance(valid.data, MonthlyFigure)
    assert (41, "late_events", "revised") == (
        valid.data.numerator,
        valid.data.reason,
        valid.change,
    )
