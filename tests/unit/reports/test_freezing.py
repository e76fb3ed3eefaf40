"""When a month may be frozen and revised: by platform time, once, then numbered corrections."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reports.domain import period
from services.reports.domain.freezing import (
    REASONS,
    FreezeRefusal,
    Revision,
    RevisionReason,
    lacking,
    next_number,
    opens_at,
    refuse_freeze,
    refuse_revision,
)
from tests.unit.reports.cases import NOVEMBER, T0

SECOND = timedelta(seconds=1)


def revision(number: int = 0) -> Revision:
    """Return revision *number* of November."""
    return Revision(
        month="2026-11",
        number=number,
        at=T0,
        reason=RevisionReason.CORRECTION if number else None,
        epoch=number + 1,
        offsets={},
        pack_stamp="2026.11+0",
        pack_sha256="00",
        sheets=[],
    )


@pytest.mark.parametrize(
    ("label", "zone", "opens"),
    [
        ("2026-11", "Asia/Shanghai", datetime(2026, 12, 3, 16, tzinfo=UTC)),
        ("2024-02", "Asia/Shanghai", datetime(2024, 3, 3, 16, tzinfo=UTC)),
        ("2026-12", "UTC", datetime(2027, 1, 4, tzinfo=UTC)),
        # clocks change on 1 November 2026: still local midnight, 73 hours after the month's end
        ("2026-10", "America/New_York", datetime(2026, 11, 4, 5, tzinfo=UTC)),
    ],
)
def test_a_month_opens_at_local_midnight_of_the_third_day(
    label: str, zone: str, opens: datetime
) -> None:
    """T + 3 days counts calendar days in the region's zone."""
    assert opens == opens_at(period.month(label, ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("now", "newest", "expected"),
    [
        (NOVEMBER.start, None, FreezeRefusal.TOO_EARLY),
        (NOVEMBER.end, None, FreezeRefusal.TOO_EARLY),
        (opens_at(NOVEMBER) - SECOND, None, FreezeRefusal.TOO_EARLY),
        (opens_at(NOVEMBER), None, None),
        (opens_at(NOVEMBER), revision(), FreezeRefusal.ALREADY_FROZEN),
        # a drill's clock may stand before the month's end again
        (NOVEMBER.start, revision(), FreezeRefusal.ALREADY_FROZEN),
    ],
)
def test_who_may_freeze(
    now: datetime, newest: Revision | None, expected: FreezeRefusal | None
) -> None:
    """Not before T + 3 days, and once."""
    assert expected is refuse_freeze(NOVEMBER, now, newest)


@pytest.mark.parametrize(
    ("newest", "changed", "expected"),
    [
        (None, False, FreezeRefusal.NOT_FROZEN),
        (None, True, FreezeRefusal.NOT_FROZEN),
        (revision(), False, FreezeRefusal.NOTHING_CHANGED),
        (revision(), True, None),
        (revision(7), True, None),
    ],
)
def test_who_may_revise(
    newest: Revision | None, changed: bool, expected: FreezeRefusal | None
) -> None:
    """Only what is frozen, and only when something moved."""
    assert expected is refuse_revision(newest, changed=changed)


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(-5, 5)), max_size=30))
def test_whatever_is_tried_numbers_run_from_zero_without_a_gap(
    tries: list[tuple[bool, bool, int]],
) -> None:
    """Any order of freezes and revisions: one freeze, never before its day, then 1..n."""
    kept: list[Revision] = []
    for freezing, changed, days in tries:
        newest = kept[-1] if kept else None
        now = opens_at(NOVEMBER) + timedelta(days=days)
        refusal = (
            refuse_freeze(NOVEMBER, now, newest)
            if freezing
            else refuse_revision(newest, changed=changed)
        )
        if refusal is None:
            assert kept or days >= 0
            kept.append(revision(next_number(newest)))

    assert list(range(len(kept))) == [each.number for each in kept]


def test_every_reason_has_its_chinese_word() -> None:
    """A reader of a revision sees why in Chinese."""
    assert set(RevisionReason) == set(REASONS)


@pytest.mark.parametrize(
    ("stored", "ends", "missing"),
    [
        ({}, {}, {}),
        ({"calls/0": 7}, {"calls/0": 7, "calls/1": 0}, {}),
        ({"calls/0": 9}, {"calls/0": 7}, {}),
        ({"calls/0": 5}, {"calls/1": 3, "calls/0": 7}, {"calls/0": 2, "calls/1": 3}),
    ],
)
def test_what_is_missing_up_to_the_topics_ends(
    stored: dict[str, int], ends: dict[str, int], missing: dict[str, int]
) -> None:
    """A month is frozen when no partition lacks an event that was said before."""
    assert missing == lacking(stored, ends)


def test_an_idle_service_holds_no_engine() -> None:
    """DuckDB, Arrow and the driver between them come with the first large month, and go with it."""
    heavy = ("duckdb", "pyarrow", "adbc_driver_postgresql", "numpy")
    script = (
        "import sys, services.reports.__main__, services.reports.adapters.http\n"
        f"print([each for each in {heavy} if each in sys.modules])"
    )

    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "[]" == said.stdout.strip()
