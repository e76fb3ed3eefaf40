"""Times of the hotlines: two local formats, ISO with an offset, and everything that is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.faults import FaultReason
from services.intake.domain.times import EARLIEST, Horizon, fault_of, parse
from tests.unit.intake.records import T0

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 16:00:00",
        "20261122160000",
        "2026-11-22T08:00:00Z",
        "2026-11-22T16:00:00+08:00",
        "2026-11-22T08:00:00.000Z",
    ],
)
def test_every_way_of_writing_one_instant(text: str) -> None:
    """FEEDS 1: local times are of the pack's zone; ISO 8601 bears its own."""
    assert T0 == parse(text, SHANGHAI)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T16:00:00",
        "2026-11-22",
        "2026-13-22 16:00:00",
        "2026-11-31 16:00:00",
        "2026-11-22 24:00:00",
        "2026-11-22 16:00",
        "20261122",
        "2026112216000",
        "0000-00-00 00:00:00",
        "２０２６-11-22 16:00:00",
        "2026-11-22 16:00:00 ",
        "now",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_time_or_naive_is_refused(text: str) -> None:
    """A time without an offset in a format that is not local names no instant."""
    assert parse(text, SHANGHAI) is None


@given(
    st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2199, 1, 1)),  # noqa: DTZ001 - local
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S"]),
)
def test_what_was_written_is_read_back(local: datetime, form: str) -> None:
    """Both local formats name the same second, whatever it is."""
    whole = local.replace(microsecond=0, tzinfo=SHANGHAI)

    found = parse(whole.strftime(form), SHANGHAI)

    assert whole.astimezone(UTC) == found
    assert found is not None
    assert timedelta(0) == found.utcoffset()


@given(st.text(max_size=30))
def test_no_text_breaks_the_parser(text: str) -> None:
    """Whatever a field holds, the answer is an instant in UTC or none."""
    found = parse(text, SHANGHAI)

    assert found is None or found.utcoffset() == timedelta(0)


def test_the_future_begins_after_the_tolerance() -> None:
    """A sender's clock may run five minutes ahead, not more."""
    horizon = Horizon(T0)

    assert fault_of(T0 + timedelta(minutes=5), horizon) is None
    assert FaultReason.IN_THE_FUTURE is fault_of(T0 + timedelta(minutes=5, seconds=1), horizon)


def test_a_sentinel_is_too_long_ago() -> None:
    """1900-01-01 and 1970-01-01 say "unknown", not when."""
    horizon = Horizon(T0)

    assert fault_of(EARLIEST, horizon) is None
    assert FaultReason.TOO_LONG_AGO is fault_of(datetime(1970, 1, 1, tzinfo=UTC), horizon)
    assert FaultReason.TOO_LONG_AGO is fault_of(datetime(1900, 1, 1, tzinfo=UTC), horizon)
