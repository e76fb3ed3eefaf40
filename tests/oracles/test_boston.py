"""Boston 311: requests with the city's own verdict, every edition that lies beside its truth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.reports.domain.history_figures import Counts, Measure
from services.reports.domain.history_mapping import Stamp
from services.reports.domain.history_rows import Case
from services.reports.domain.history_tables import Asked
from services.reports.domain.tier_affairs import TierTable
from tests.oracles import recorded

DATA, TRUTH = "hotline311_boston_*.csv", "boston311_*_monthly.csv"
PARTS = [
    ("by_department", "Department", "department"),
    ("by_type", "TYPE", "kind"),
    ("by_source", "Source", "source"),
    ("by_neighborhood", "neighborhood", "area"),
]
HOUR = timedelta(hours=1)
NOT_DUE = "open_not_due_asof_"
SAME_AS = {
    "closed_ontime_rate_of_closed_with_target": "closed_by_due",
    "recomputed_ontime_rate": "not_overdue",
}
HOURS = {"mean_close_hours": "mean_s", "median_close_hours": "median_s"}


@pytest.fixture(scope="module", params=recorded.editions(DATA, TRUTH) or ["2015-01_02"])
def edition(request: pytest.FixtureRequest) -> str:
    """Which months."""
    return str(request.param)


@pytest.fixture(scope="module")
def boston(edition: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history of the months, judged when the truth was."""
    folder = tmp_path_factory.mktemp("boston")
    recorded.imported(
        DATA.replace("*", edition), "boston311", folder, as_of=as_of(truth(edition)[0])
    )
    return folder


@pytest.fixture(scope="module")
def on_the_wall(edition: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, its times read as if clocks never changed: lengths as the truth takes them."""
    folder = tmp_path_factory.mktemp("boston-wall")
    at = as_of(truth(edition)[0])
    recorded.imported(DATA.replace("*", edition), "boston311", folder, as_of=at, time_zone="UTC")
    return folder


def truth(edition: str, part: str = "") -> list[dict[str, str]]:
    """Return the truth of the whole or of a part."""
    name = TRUTH.replace("*", edition)
    return recorded.truth(name.replace(".csv", f"_{part}.csv") if part else name)


def as_of(row: Mapping[str, str]) -> datetime:
    """Return the local time the truth was judged at, which its columns are named after."""
    name = next(name for name in row if name.startswith(NOT_DUE))
    return datetime.fromisoformat(name.removeprefix(NOT_DUE))


def as_published(c: Counts, row: Mapping[str, str]) -> dict[str, int]:
    """Return every count column of the truth files."""
    at = as_of(row).date().isoformat()
    return {
        "cases": c.cases,
        "closed": c.closed,
        "open": c.open,
        "with_target": c.with_due,
        "official_ontime": c.label_not_overdue,
        "official_overdue": c.label_overdue,
        "official_blank": c.label_blank,
        "closed_by_target": c.closed_by_due,
        "closed_after_target": c.closed_after_due,
        f"open_past_target_asof_{at}": c.open_past_due,
        f"{NOT_DUE}{at}": c.open_not_due,
        "no_target": c.no_due,
    }


def test_our_overdue_is_the_citys_on_every_labelled_row(boston: Path, edition: str) -> None:
    """Overdue iff a target exists and (closed > target, or open and target < as-of)."""
    rows = truth(edition)
    months = [recorded.month(boston, row["month"]).total.counts for row in rows]

    assert sum(int(row["cases"]) for row in rows) == sum(c.cases for c in months)
    assert sum(int(row["cases"]) - int(row["official_blank"]) for row in rows) == sum(
        c.label_equal for c in months
    )
    assert 0 == sum(c.label_different for c in months)


def test_the_mapping_alone_gives_the_citys_verdict(tmp_path: Path, edition: str) -> None:
    """Without an as-of (judged at the newest stamp) and with `--as-of` at `month`, no row differs."""
    recorded.imported(DATA.replace("*", edition), "boston311", tmp_path)
    rows = truth(edition)
    for at in (None, as_of(rows[0])):
        months = [recorded.month(tmp_path, row["month"], at).total.counts for row in rows]

        assert 0 == sum(c.label_different for c in months)
        assert sum(c.label_blank + c.label_equal for c in months) == sum(c.cases for c in months)


def test_the_months_as_a_whole(boston: Path, edition: str) -> None:
    """Every count column, and the two rates to the printed hundredth of a percent."""
    for row in truth(edition):
        ours = recorded.month(boston, row["month"]).total
        published = as_published(ours.counts, row)

        assert {name: int(row[name]) for name in published} == published
        for ratio, name in SAME_AS.items():
            assert pytest.approx(float(row[ratio]) * 100, abs=0.0051) == ours.rates[name].percent


@pytest.mark.parametrize(("file", "column", "dimension"), PARTS)
def test_the_months_by_part(
    boston: Path, edition: str, file: str, column: str, dimension: str
) -> None:
    """Every part of every month is in the truth, and every count column is equal."""
    rows = truth(edition, file)
    ours = recorded.parts(boston, dimension, sorted({row["month"] for row in rows}))
    found = {at: as_published(c, rows[0]) for at, c in ours.items()}
    names = next(iter(found.values()))
    theirs = {(row["month"], row[column]): {n: int(row[n]) for n in names} for row in rows}

    assert theirs == found


@pytest.mark.parametrize(("file", "column", "dimension"), PARTS)
def test_rates_and_hours_by_part(
    on_the_wall: Path, edition: str, file: str, column: str, dimension: str
) -> None:
    """Both rates, mean and median hours to close, of every part of every month.

    The truth takes lengths between wall clocks: read in a zone without a change of clocks ours are
    the same. In the city's own zone they are true elapsed time, see below.
    """
    rows = truth(edition, file)
    ours = recorded.parts(on_the_wall, dimension, sorted({row["month"] for row in rows}))

    assert {(r["month"], r[column]): lengths_told(r) for r in rows} == {
        at: lengths(c) for at, c in ours.items()
    }


def test_rates_and_hours_of_the_months(on_the_wall: Path, edition: str) -> None:
    """The same of each month as a whole."""
    for row in truth(edition):
        ours = recorded.month(on_the_wall, row["month"]).total.counts

        assert lengths_told(row) == lengths(ours)


def test_true_elapsed_time_differs_from_the_walls_by_the_hours_put_forward(
    boston: Path, on_the_wall: Path, edition: str
) -> None:
    """Ours are shorter by exactly one hour for each case open when clocks went forward.

    (Longer where they went back.) That is the whole difference from the truth's mean.
    """
    real = {case.id: open_for(case) for case in recorded.every_case(boston)}
    wall = {case.id: open_for(case) for case in recorded.every_case(on_the_wall)}
    apart = {wall[id_] - took for id_, took in real.items()}

    assert real.keys() == wall.keys()
    assert {-HOUR, timedelta(), HOUR} >= apart


def open_for(case: Case) -> timedelta:
    """Return how long *case* was open, nothing where it is."""
    closed, received = case.stamps[Stamp.CLOSED], case.stamps[Stamp.RECEIVED]
    return closed - received if closed and received else timedelta()


def test_the_units_table_says_the_same(boston: Path, edition: str) -> None:
    """T3's handling limits are the cases due in the month; its rows sum to them (按期结案率)."""
    for row in truth(edition):
        owed = recorded.month(boston, row["month"]).due_in_month.counts
        table = recorded.units(boston, row["month"])
        handle = table.total.handle

        assert (owed.with_due, owed.closed_by_due) == (handle.should, handle.on_time)
        assert handle.should == sum(unit.handle.should or 0 for unit in table.units)


def test_the_list_of_figures_is_of_the_cases_due(boston: Path, edition: str) -> None:
    """按期处置率 = closed by the target ÷ due; the city's verdict never differs from ours."""
    for row in truth(edition):
        owed = recorded.month(boston, row["month"]).due_in_month.counts
        found = recorded.figures(boston, row["month"])

        assert (owed.closed_by_due, owed.with_due) == found["timely.handle"]
        assert (0, int(row["cases"]) - int(row["official_blank"])) == found["quality.overrun_flag"]
        assert (int(row["open"]), int(row["cases"])) == found["quality.no_end"]


def test_t4_counts_the_requests_of_each_neighbourhood(boston: Path, edition: str) -> None:
    """Where it is blank the request stands under the remainder."""
    for row in truth(edition):
        table = recorded.table(boston, row["month"], Asked.TIERS)
        assert isinstance(table, TierTable)
        theirs = {
            part["neighborhood"] or "other": int(part["cases"])
            for part in truth(edition, "by_neighborhood")
            if part["month"] == row["month"]
        }

        assert theirs == {part.id: part.total for part in table.valid.rows if part.total}


def lengths(c: Counts) -> dict[str, Any]:
    """Return the hours to close and the rates as the truth prints them."""
    length = c.lengths[Measure.CLOSING]
    both = c.closed_by_due + c.closed_after_due
    hours = {name: getattr(length, of) for name, of in HOURS.items()}
    return {
        **{n: None if s is None else pytest.approx(s / 3600, abs=1e-4) for n, s in hours.items()},
        "recomputed_ontime_rate": pytest.approx(1 - c.overdue / c.cases, abs=1e-6),
        # the truth prints 0 where nothing with a target was closed; we print none at all
        "closed_ontime_rate_of_closed_with_target": pytest.approx(
            c.closed_by_due / both if both else 0.0, abs=1e-6
        ),
    }


def lengths_told(row: Mapping[str, str]) -> dict[str, Any]:
    """Return the same columns of the truth."""
    return {name: float(row[name]) if row[name] else None for name in (*HOURS, *SAME_AS)}
