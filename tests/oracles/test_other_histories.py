"""Montgomery, Seattle, New York and Chinese messages: the same import by other mappings."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import pytest

from services.reports.domain.history_figures import Counts, Measure
from services.reports.domain.history_mapping import Dimension, Stamp
from services.reports.domain.history_tables import Asked
from services.reports.domain.tier_affairs import TierTable
from tests.oracles import recorded

SEATTLE = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("file", "column", "dimension"),
    [("by_category", "cat", "category"), ("by_title", "title", "kind")],
)
def test_montgomery_by_category_and_title(
    tmp_path: Path, file: str, column: str, dimension: str
) -> None:
    """The category is the part of the title before its colon; no row is refused."""
    done = recorded.imported("calls911_montgomery_2015-12.csv", "montgomery", tmp_path)
    rows = recorded.truth(f"montgomery911_fixture_monthly_{file}.csv")
    ours = recorded.parts(tmp_path, dimension, ["2015-12", "2016-01"])

    assert (9226, {}) == (done.cases, done.rejected)
    assert {(r["month"], r[column]): int(r["n"]) for r in rows} == {
        at: c.cases for at, c in ours.items()
    }


def test_montgomery_by_affair_class(tmp_path: Path) -> None:
    """T4: medical and fire calls are emergencies, traffic is public order."""
    recorded.imported("calls911_montgomery_2015-12.csv", "montgomery", tmp_path)
    rows = recorded.truth("montgomery911_fixture_monthly_by_category.csv")
    table = recorded.table(tmp_path, "2015-12", Asked.TIERS)
    assert isinstance(table, TierTable)
    theirs = {row["cat"]: int(row["n"]) for row in rows if row["month"] == "2015-12"}
    ours = {cell.id: cell.count for cell in table.valid.total.cells}

    assert (theirs["EMS"] + theirs["Fire"], theirs["Traffic"]) == (
        ours["emergency"],
        ours["public_order"],
    )
    assert table.handled is None


def test_seattle_scene_to_clearance_by_sector(tmp_path: Path) -> None:
    """Counted by the clearance, as the receipt is not in the file; medians in minutes."""
    recorded.imported("police911_seattle_2016-03.csv", "seattle_police_911", tmp_path)
    rows = recorded.truth("police911_seattle_2016-03_by_sector.csv")
    ours = recorded.parts(tmp_path, "area", ["2016-03"])

    def shown(c: Counts) -> tuple[object, ...]:
        cleared = c.lengths[Measure.ON_SCENE]
        return c.cases, c.arrived, cleared.negative, (cleared.median_s or 0) / 60

    theirs: dict[tuple[str, str], tuple[object, ...]] = {
        (r["month"], r["District/Sector"]): (
            int(r["n"]),
            int(r["with_scene"]),
            int(r["negative"]),
            pytest.approx(float(r["median_scene_to_clear_min"])),
        )
        for r in rows
    }

    assert theirs == {at: shown(c) for at, c in ours.items()}


def test_seattle_calls_by_priority(tmp_path: Path) -> None:
    """Six years summed give the counts by priority; the medians are of all years.

    The truth rounds a median of two middle calls down to the second.
    """
    recorded.imported("police_calldata_seattle_db_2018-2023.csv", "seattle_call_data", tmp_path)
    rows = recorded.truth("police_calldata_seattle_db_by_priority.csv")
    every = recorded.every_case(tmp_path)
    labels = sorted({f"{case.counted_at.astimezone(SEATTLE):%Y}" for case in every})
    calls, arrived, within = Counter[str](), Counter[str](), Counter[str]()
    took: dict[str, list[float]] = defaultdict(list)
    for case in every:
        queued, at = case.stamps[Stamp.RECEIVED], case.stamps[Stamp.ARRIVED]
        if queued and at:
            took[case.values[Dimension.PRIORITY] or ""].append((at - queued).total_seconds())
    for (_, priority), c in recorded.parts(tmp_path, "priority", labels).items():
        calls[priority] += c.cases
        arrived[priority] += c.arrived
        within[priority] += c.within[Stamp.ARRIVED][600]

    assert {
        r["Priority"]: (int(r["n"]), int(r["arrived"]), int(r["within_600s"])) for r in rows
    } == {p: (calls[p], arrived[p], within[p]) for p in calls}
    assert {r["Priority"]: int(r["median_resp_s"]) for r in rows if r["median_resp_s"]} == {
        priority: int(median(lengths)) for priority, lengths in took.items()
    }


def test_new_york_due_dates(tmp_path: Path) -> None:
    """486 of 1,000 requests have a due date; those closed before they came in are kept."""
    done = recorded.imported("hotline311_nyc_1000_due_dates.csv", "nyc311", tmp_path)
    labels = ["2014", "2017", "2018", "2019"]
    months = [recorded.month(tmp_path, label).total.counts for label in labels]

    assert (1000, 486) == (sum(c.cases for c in months), sum(c.with_due for c in months))
    assert done.closed_before_received == sum(c.lengths[Measure.CLOSING].negative for c in months)


def test_new_york_without_due_dates(tmp_path: Path) -> None:
    """Another month of the same city, by the same mapping."""
    done = recorded.imported("hotline311_nyc_2025-03-24.csv", "nyc311", tmp_path)
    month = recorded.month(tmp_path, "2025-03").total.counts

    assert (235, {}) == (done.cases, done.rejected)
    assert (235, 0, 0) == (month.cases, month.with_due, month.overdue)


def test_chinese_messages_by_district_in_the_subject(tmp_path: Path) -> None:
    """县区取自留言主题; subjects that name none stand as unclassified."""
    recorded.imported("zh_messages_city_2019_4326.csv", "messages_zh", tmp_path)
    rows = recorded.truth("zh_messages_city_2019_monthly_by_district_in_title.csv")
    labels = sorted({row["month"] for row in rows})
    ours = recorded.parts(tmp_path, "area", labels)

    assert {(r["month"], r["dist"]): int(r["n"]) for r in rows} == {
        at: c.cases for at, c in ours.items()
    }


def test_a_repeated_message_is_refused_by_name(tmp_path: Path) -> None:
    """495 rows with 494 numbers: the second is a reject with its row, not a case."""
    done = recorded.imported("zh_messages_labeled_official_sample_495.csv", "messages_zh", tmp_path)
    lines = Path(str(done.rejects_file)).read_text("utf-8").splitlines()

    assert (494, {"repeated_key": 1}) == (done.cases, done.rejected)
    assert "row,line,reason,field,column,shape" == lines[0]
    assert lines[1].endswith(",,repeated_key,,留言编号,")
