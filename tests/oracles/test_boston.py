"""Boston 311, January and February 2015: 16,580 requests with the city's own verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.reports.domain.history_figures import Counts
from tests.oracles import recorded

MONTHS = ["2015-01", "2015-02"]


@pytest.fixture(scope="module")
def boston(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history of the two months."""
    folder = tmp_path_factory.mktemp("boston")
    recorded.imported("hotline311_boston_2015-01_02.csv", "boston311", folder)
    return folder


def as_published(c: Counts) -> dict[str, int]:
    """Return every count column of the truth files."""
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
        "open_past_target_asof_2016-01-13": c.open_past_due,
        "open_not_due_asof_2016-01-13": c.open_not_due,
        "no_target": c.no_due,
    }


def test_our_overdue_is_the_citys_on_every_labelled_row(boston: Path) -> None:
    """Overdue iff a target exists and (closed > target, or open and target < as-of)."""
    months = [recorded.month(boston, label).total.counts for label in MONTHS]

    assert 16_580 == sum(c.cases for c in months)
    assert 16_580 - 39 == sum(c.label_equal for c in months)
    assert 0 == sum(c.label_different for c in months)


def test_the_months_as_a_whole(boston: Path) -> None:
    """Every count column, and the two rates to the printed hundredth of a percent."""
    rows = recorded.truth("boston311_2015-01_02_monthly.csv")
    found = {label: recorded.month(boston, label).total for label in MONTHS}

    assert MONTHS == [row["month"] for row in rows]
    for row in rows:
        ours = found[row["month"]]
        published = as_published(ours.counts)
        assert {name: int(row[name]) for name in published} == published
        for name, ratio in (
            ("not_overdue", "recomputed_ontime_rate"),
            ("closed_by_due", "closed_ontime_rate_of_closed_with_target"),
        ):
            assert pytest.approx(float(row[ratio]) * 100, abs=0.0051) == ours.rates[name].percent


@pytest.mark.parametrize(
    ("file", "column", "dimension"),
    [
        ("by_department", "Department", "department"),
        ("by_type", "TYPE", "kind"),
        ("by_source", "Source", "source"),
        ("by_neighborhood", "neighborhood", "area"),
    ],
)
def test_the_months_by_part(boston: Path, file: str, column: str, dimension: str) -> None:
    """Every part of every month is in the truth, and every count column is equal."""
    rows = recorded.truth(f"boston311_2015-01_02_monthly_{file}.csv")
    ours = {at: as_published(c) for at, c in recorded.parts(boston, dimension, MONTHS).items()}
    theirs = {
        (row["month"], row[column]): {name: int(row[name]) for name in next(iter(ours.values()))}
        for row in rows
    }

    assert theirs == ours
