"""San Francisco fire calls, 2016-12-31 to 2017-01-07: rows are units, 3,560 calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.reports.domain.history_figures import Counts, Measure
from services.reports.domain.history_mapping import Stamp
from tests.oracles import recorded

MONTHS = ["2016-12", "2017-01"]


@pytest.fixture(scope="module")
def fire(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history of the eight days."""
    folder = tmp_path_factory.mktemp("fire")
    recorded.imported("fire_sf_calls_2017-01.csv", "sf_fire", folder)
    return folder


def as_published(c: Counts) -> dict[str, float | None]:
    """Return every count column of the truth files, and the medians and the mean, seconds."""
    return {
        "calls": c.cases,
        "unit_responses": c.units,
        "arrived": c.arrived,
        "never_arrived": c.never_arrived,
        "closed": c.closed,
        "negative_response": c.lengths[Measure.ARRIVAL].negative,
        **{f"arrived_within_{s}s": n for s, n in c.within[Stamp.ARRIVED].items()},
        **{f"closed_within_{s}s": n for s, n in c.within[Stamp.CLOSED].items()},
        "median_response_s": c.lengths[Measure.ARRIVAL].median_s,
        "mean_response_s": c.lengths[Measure.ARRIVAL].mean_s,
        "median_close_s": c.lengths[Measure.CLOSING].median_s,
    }


def published(row: dict[str, str], like: dict[str, float | None]) -> dict[str, object]:
    """Return the truth of the columns of *like*; a blank one is None."""
    return {
        name: pytest.approx(float(row[name]), abs=0.001) if row[name] else None for name in like
    }


def test_calls_arrivals_and_arrivals_within_eight_minutes(fire: Path) -> None:
    """3,560 calls, 3,429 arrived, 2,206 at the scene within 480 s of the receipt."""
    months = [recorded.month(fire, label).total.counts for label in MONTHS]

    assert (3560, 3429, 2206) == (
        sum(c.cases for c in months),
        sum(c.arrived for c in months),
        sum(c.within[Stamp.ARRIVED][480] for c in months),
    )


def test_the_rate_is_of_all_calls(fire: Path) -> None:
    """Who never arrived was not within the limit."""
    for row in recorded.truth("sf_fire_2017-01_monthly.csv"):
        ours = recorded.month(fire, row["month"]).total.rates["arrived_within_480s"]

        assert pytest.approx(float(row["on_time_rate_480s"]) * 100, abs=0.0051) == ours.percent


def test_the_months_as_a_whole(fire: Path) -> None:
    """Every count, the mean and the medians."""
    rows = recorded.truth("sf_fire_2017-01_monthly.csv")
    ours = {label: as_published(recorded.month(fire, label).total.counts) for label in MONTHS}

    assert {row["month"]: published(row, ours[row["month"]]) for row in rows} == ours


def test_units_sum_to_the_responses(fire: Path) -> None:
    """A call's units stand in the month of the call, each with its own times."""
    rows = recorded.truth("sf_fire_2017-01_monthly.csv")
    months = {label: recorded.month(fire, label) for label in MONTHS}

    assert {row["month"]: int(row["unit_responses"]) for row in rows} == {
        label: sum(unit.counts.cases for unit in month.units) for label, month in months.items()
    }
    assert "E39" in {unit.value for unit in months["2016-12"].units}


@pytest.mark.parametrize(
    ("file", "column", "dimension"),
    [("by_battalion", "battalion", "area"), ("by_calltype", "call_type", "kind")],
)
def test_the_months_by_part(fire: Path, file: str, column: str, dimension: str) -> None:
    """Every part of every month is in the truth with every count, mean and median."""
    rows = recorded.truth(f"sf_fire_2017-01_monthly_{file}.csv")
    ours = {at: as_published(c) for at, c in recorded.parts(fire, dimension, MONTHS).items()}
    like = next(iter(ours.values()))

    assert {(row["month"], row[column]): published(row, like) for row in rows} == ours
