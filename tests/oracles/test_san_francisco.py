"""San Francisco fire calls: rows are units; every edition that lies beside its truth."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from services.reports.domain.history_figures import Counts, Measure
from services.reports.domain.history_mapping import Dimension, Stamp
from services.reports.domain.history_rows import Case
from services.reports.domain.history_tables import Asked
from services.reports.domain.tier_affairs import TierTable
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


LENGTHS = {
    "response_s": Stamp.ARRIVED,
    "dispatch_s": Stamp.DISPATCHED,
    "close_s": Stamp.CLOSED,
}


def seconds(case: Case, until: Stamp) -> str:
    """Return the whole seconds from the receipt, as the truth writes them."""
    start, end = case.stamps[Stamp.RECEIVED], case.stamps[until]
    return f"{(end - start).total_seconds():.0f}" if start and end else ""


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
        assert (int(row["units"]), row["call_type"], row["battalion"], row["final_priority"]) == (
            case.units,
            case.values[Dimension.KIND],
            case.values[Dimension.AREA],
            case.values[Dimension.PRIORITY],
        )
        assert {name: row[name] for name in LENGTHS} == {
            name: seconds(case, stamp) for name, stamp in LENGTHS.items()
        }


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


def test_t4_counts_the_calls_of_each_battalion(fire: Path, edition: str) -> None:
    """Areas are the rows; every call type is an emergency, by the mapping."""
    for row in truth(edition):
        table = recorded.table(fire, row["month"], Asked.TIERS)
        assert isinstance(table, TierTable)
        theirs = {
            part["battalion"]: int(part["calls"])
            for part in truth(edition, "monthly_by_battalion")
            if part["month"] == row["month"]
        }

        assert theirs == {part.id: part.total for part in table.valid.rows if part.total}
        assert int(row["calls"]) == next(
            cell.count for cell in table.valid.total.cells if cell.id == "emergency"
        )


def test_the_list_of_figures_counts_each_engine(fire: Path, edition: str) -> None:
    """Turned out of those sent, both feedbacks of those owed: each row of the file is a duty."""
    file = recorded.recorded(DATA.replace("*", edition))
    with file.open(encoding="utf-8-sig", newline="") as text:
        every = list(csv.DictReader(text))
    received: dict[str, str] = {}
    for each in every:
        at = datetime.strptime(each["Received DtTm"], FORM)  # noqa: DTZ007 - only its month counts
        received[each["Call Number"]] = min(received.get(each["Call Number"], "9"), f"{at:%Y-%m}")
    for row in truth(edition):
        mine = [each for each in every if received[each["Call Number"]] == row["month"]]
        both = sum(bool(e["On Scene DtTm"] and e["Available DtTm"]) for e in mine)
        left = sum(bool(e["Response DtTm"]) for e in mine)
        found = recorded.figures(fire, row["month"])

        assert (left, len(mine)) == found["conduct.turned_out"]
        assert (both, len(mine)) == found["timely.dual_feedback"]


FORM = "%m/%d/%Y %I:%M:%S %p"
