"""San Francisco fire calls: rows are units; every edition that lies beside its truth."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.reports.domain.history_figures import Counts, Measure
from services.reports.domain.history_mapping import Dimension, Stamp
from tests.oracles import recorded

DATA, TRUTH = "fire_sf_calls_*.csv", "sf_fire_*_monthly.csv"
ZONE = ZoneInfo("America/Los_Angeles")
STAMPS = {
    "received": Stamp.RECEIVED,
    "dispatched": Stamp.DISPATCHED,
    "first_on_scene": Stamp.ARRIVED,
    "closed": Stamp.CLOSED,
}


@pytest.fixture(scope="module", params=recorded.editions(DATA, TRUTH) or ["2017-01"])
def edition(request: pytest.FixtureRequest) -> str:
    """Which months."""
    return str(request.param)


@pytest.fixture(scope="module")
def fire(edition: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history of the edition."""
    folder = tmp_path_factory.mktemp("fire")
    recorded.imported(DATA.replace("*", edition), "sf_fire", folder)
    return folder


def truth(edition: str, part: str = "monthly") -> list[dict[str, str]]:
    """Return the truth of the months as a whole, of a part, or call by call."""
    return recorded.truth(TRUTH.replace("*", edition).replace("monthly", part))


def months(edition: str) -> list[str]:
    """Return the months of the edition."""
    return [row["month"] for row in truth(edition)]


def test_every_call_as_derived(fire: Path, edition: str) -> None:
    """Received, dispatched, first on scene, closed, units and lengths of each call."""
    rows = truth(edition, "calls_derived")
    ours = {case.number: case for case in recorded.every_case(fire)}

    assert len(rows) == len(ours)
    for row in rows:
        case = ours[row["call_number"]]
        local = {
            name: f"{at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}" if (at := case.stamps[stamp]) else ""
            for name, stamp in STAMPS.items()
        }

        assert {name: row[name] for name in STAMPS} == local
        assert (int(row["units"]), row["call_type"], row["battalion"]) == (
            case.units,
            case.values[Dimension.KIND],
            case.values[Dimension.AREA],
        )


def test_ninetieth_percentiles_are_rows(fire: Path, edition: str) -> None:
    """The truth's P90 lies between two calls (linear); ours is a call's own (nearest rank).

    So ours is computed from the truth's own calls here, and the linear one lies next to it.
    """
    rows = truth(edition, "calls_derived")
    for row in truth(edition):
        took = sorted(
            int(call["response_s"])
            for call in rows
            if call["received"].startswith(row["month"]) and call["response_s"]
        )
        place = -(-90 * len(took) // 100) - 1
        ours = recorded.month(fire, row["month"]).total.counts.lengths[Measure.ARRIVAL]

        assert took[place] == ours.p90_s
        assert took[place - 1] <= float(row["p90_response_s_linear"]) <= took[place + 1]


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


def test_calls_arrivals_and_arrivals_within_eight_minutes(tmp_path: Path) -> None:
    """3,560 calls, 3,429 arrived, 2,206 at the scene within 480 s of the receipt (FIGURES)."""
    recorded.imported("fire_sf_calls_2017-01.csv", "sf_fire", tmp_path)
    found = [recorded.month(tmp_path, label).total.counts for label in ("2016-12", "2017-01")]

    assert (3560, 3429, 2206) == (
        sum(c.cases for c in found),
        sum(c.arrived for c in found),
        sum(c.within[Stamp.ARRIVED][480] for c in found),
    )


def test_the_rate_is_of_all_calls(fire: Path, edition: str) -> None:
    """Who never arrived was not within the limit."""
    for row in truth(edition):
        ours = recorded.month(fire, row["month"]).total.rates["arrived_within_480s"]

        assert pytest.approx(float(row["on_time_rate_480s"]) * 100, abs=0.0051) == ours.percent


def test_the_months_as_a_whole(fire: Path, edition: str) -> None:
    """Every count, the mean and the medians."""
    rows = truth(edition)
    ours = {
        label: as_published(recorded.month(fire, label).total.counts) for label in months(edition)
    }

    assert {row["month"]: published(row, ours[row["month"]]) for row in rows} == ours


def test_units_sum_to_the_responses(fire: Path, edition: str) -> None:
    """A call's units stand in the month of the call, each with its own times."""
    rows = truth(edition)
    found = {label: recorded.month(fire, label) for label in months(edition)}

    assert {row["month"]: int(row["unit_responses"]) for row in rows} == {
        label: sum(unit.counts.cases for unit in month.units) for label, month in found.items()
    }


@pytest.mark.parametrize(
    ("file", "column", "dimension"),
    [("by_battalion", "battalion", "area"), ("by_calltype", "call_type", "kind")],
)
def test_the_months_by_part(
    fire: Path, edition: str, file: str, column: str, dimension: str
) -> None:
    """Every part of every month is in the truth with every count, mean and median."""
    rows = truth(edition, f"monthly_{file}")
    found = recorded.parts(fire, dimension, months(edition))
    ours = {at: as_published(c) for at, c in found.items()}
    like = next(iter(ours.values()))

    assert {(row["month"], row[column]): published(row, like) for row in rows} == ours
