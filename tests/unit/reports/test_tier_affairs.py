"""T4: sub-centre by affair class; its totals are T1's and T3's."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.reports.adapters.formats import Form, render
from services.reports.domain.facts import Population
from services.reports.domain.overview import overview
from services.reports.domain.publication import published_overview, published_units
from services.reports.domain.suppression import LEAST
from services.reports.domain.tier_affairs import TierTable, published_tiers, tier_table
from services.reports.domain.tiers import CENTRE, tiers
from services.reports.domain.units import unit_table
from shared.contracts.pack import Pack, ProblemReason, SubCentre, validate
from tests.unit.reports.cases import NOVEMBER, T0, a_call, a_clock, facts, opened, xianju
from tests.unit.reports.later_cases import FEW, HOUR, LIMIT, histories


def test_a_place_counts_for_the_sub_centre_that_commands_there() -> None:
    """P03: the centre handles the county town, each township is its own row."""
    town, township = a_call(1), a_call(2, area="331024101")
    nowhere = a_call(3, area=None)
    table = _of(town, township, nowhere)

    came = {row.id: row.total for row in table.valid.rows if row.total}
    assert {CENTRE: 1, "331024101": 1, "other": 1} == came


def test_a_pack_s_own_sub_centres_are_the_rows() -> None:
    """P07: what no sub-centre has is the centre's own."""
    pack = _with(SubCentre("west", "西片分中心", ("331024101", "331024102")))
    place = tiers(pack)

    assert [CENTRE, "west"] == list(place.names)
    assert ("west", CENTRE, "other") == (
        place.of("331024102"),
        place.of("331024210"),
        place.of(None),
    )


def test_an_area_of_two_sub_centres_is_refused() -> None:
    """Who commands must be certain; an area nobody knows is refused too."""
    pack = _with(
        SubCentre("west", "西片", ("331024101",)),
        SubCentre("east", "东片", ("331024101", "000000000")),
    )
    reasons = [problem.reason for problem in validate(pack) if "sub_centres" in problem.path]

    assert [ProblemReason.DUPLICATE, ProblemReason.UNKNOWN_NAME] == reasons


def test_handling_counts_where_the_incident_is() -> None:
    """A limit kept late stands under the incident's place and affair class."""
    call = a_call(1, area="331024101")
    clock = a_clock(1, "handle", due=T0 + HOUR, limit=HOUR, took=2 * HOUR, incident_id=call.opens)
    table = _of(call, opened(call), clock)

    assert table.handled is not None
    row = next(row for row in table.handled.rows if row.id == "331024101")
    cell = next(cell for cell in row.cells if cell.should)
    assert (opened(call).affair, 1, 0, 1) == (cell.id, cell.should, cell.on_time, cell.late)


@FEW
@given(histories())
def test_totals_are_those_of_the_other_tables(history: list[Any]) -> None:
    """T4's whole is T1's valid and T3's handling, of either population."""
    found = facts(*history)
    for population in Population:
        table = tier_table(found, NOVEMBER, population, xianju())
        handle = unit_table(found, NOVEMBER, population, xianju()).total.handle
        assert table.handled is not None
        whole = table.handled.total.total

        assert overview(found, NOVEMBER, population, xianju()).valid == table.valid.total.total
        assert (handle.should, handle.on_time, handle.late, handle.open) == (
            whole.should,
            whole.on_time,
            whole.late,
            whole.open,
        )


@FEW
@given(histories(), st.randoms())
def test_the_order_of_facts_does_not_matter(history: list[Any], random: Any) -> None:
    """The same facts in any order give the same bytes."""
    shuffled = list(history)
    random.shuffle(shuffled)

    assert render(_of(*history), Form.JSON) == render(_of(*shuffled), Form.JSON)


@FEW
@given(histories(40))
def test_published_nothing_small_nor_what_t1_and_t3_hide(history: list[Any]) -> None:
    """No count of one to four; a margin that T1 or T3 hides beside another is not told here."""
    found = facts(*history)
    calls = published_overview(overview(found, NOVEMBER, Population.REAL, xianju()))
    handle = published_units(unit_table(found, NOVEMBER, Population.REAL, xianju())).total.handle
    table = _published(*history)
    assert table.handled is not None

    counts = [cell.count for row in table.valid.rows for cell in row.cells]
    counts += [row.total for row in (table.valid.total, *table.valid.rows)]
    for kept in (table.handled.total, *table.handled.rows):
        for one in (kept.total, *kept.cells):
            counts += [one.should, one.on_time, one.late, one.open]
    assert all(count is None or count == 0 or count >= LEAST for count in counts)
    if any(part.count is None for part in (*calls.by_area.rows, *calls.by_row.rows)):
        assert {row.total for row in table.valid.rows} == {None}
    if None in {handle.should, handle.on_time, handle.late, handle.open}:
        assert {row.total.should for row in table.handled.rows} == {None}


def test_the_page_names_places_and_classes() -> None:
    """Read by the sub-centres."""
    found = []
    for n in range(6):
        call = a_call(n, area="331024101")
        clock = a_clock(n, "handle", due=T0 + HOUR, limit=HOUR, took=LIMIT, incident_id=call.opens)
        found += [call, opened(call), clock]
    for table in (_of(*found), _published(*found)):
        page = render(table, Form.HTML).decode()

        for words in ("分中心分类处置统计表", "横溪镇", "治安警情", "按期率"):
            assert words in page


def _with(*centres: SubCentre) -> Pack:
    return replace(xianju(), region=replace(xianju().region, sub_centres=centres))


def _of(*found: Any) -> TierTable:
    return tier_table(facts(*found), NOVEMBER, Population.REAL, xianju())


def _published(*found: Any) -> TierTable:
    known = facts(*found)
    calls = overview(known, NOVEMBER, Population.REAL, xianju())
    units = unit_table(known, NOVEMBER, Population.REAL, xianju())
    return published_tiers(_of(*found), calls, units)
