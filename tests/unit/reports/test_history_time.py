"""Local times of files: forms, the hour that comes twice and the one that never comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reports.domain.history_time import instant, local_time, steps

BOSTON = ZoneInfo("America/New_York")
FORMS = ["%m/%d/%Y %I:%M:%S %p", "%Y-%m-%dT%H:%M:%S.%f"]
ZONES = ["America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "Europe/Dublin", "UTC"]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("01/02/2015 12:00:00 AM", datetime(2015, 1, 2)),  # noqa: DTZ001 - local
        ("1/2/2015 1:02:03 pm", datetime(2015, 1, 2, 13, 2, 3)),  # noqa: DTZ001 - local
        ("2015-01-02T03:04:05.120", datetime(2015, 1, 2, 3, 4, 5, 120_000)),  # noqa: DTZ001 - local
        ("02/30/2015 12:00:00 AM", None),
        ("01/02/2015 13:00:00 PM", None),
        ("01/02/2015", None),
        ("01/02/1815 12:00:00 AM", None),
        ("01/02/2015 12:00:00 AM and more", None),
    ],
)
def test_a_text_has_one_of_the_forms_or_none(text: str, at: datetime | None) -> None:
    """What no form describes is unreadable, never guessed."""
    assert at == local_time(text, FORMS)


def test_an_hour_that_comes_twice_is_the_first() -> None:
    """Clocks back in Boston, 2015-11-01: 01:30 is 01:30 EDT, 05:30 UTC (fold=0)."""
    twice = datetime(2015, 11, 1, 1, 30)  # noqa: DTZ001 - local

    assert datetime(2015, 11, 1, 5, 30, tzinfo=UTC) == instant(twice, BOSTON)


def test_an_hour_that_never_comes_has_the_offset_before() -> None:
    """Clocks forward in Boston, 2015-03-08: 02:30 is read as EST, 07:30 UTC."""
    never = datetime(2015, 3, 8, 2, 30)  # noqa: DTZ001 - local

    assert datetime(2015, 3, 8, 7, 30, tzinfo=UTC) == instant(never, BOSTON)


OFFSETS = {name: list(steps(ZoneInfo(name))) for name in ZONES}


@given(
    name=st.sampled_from(ZONES),
    at=st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31)),  # noqa: DTZ001 - local
)
def test_the_steps_of_a_zone_are_its_offsets(name: str, at: datetime) -> None:
    """Local time minus the offset of the last step is the instant."""
    ahead = [each.ahead for each in OFFSETS[name] if each.since <= at][-1]

    assert instant(at, ZoneInfo(name)) == (at - ahead).replace(tzinfo=UTC)


@pytest.mark.parametrize("name", ZONES)
def test_the_steps_are_exact_to_the_second(name: str) -> None:
    """Just before a step the offset before it holds, and they rise."""
    second = timedelta(seconds=1)
    for before, after in pairwise(OFFSETS[name]):
        assert before.since < after.since
        assert before.ahead == (after.since - second).replace(tzinfo=ZoneInfo(name)).utcoffset()
        assert after.ahead == after.since.replace(tzinfo=ZoneInfo(name)).utcoffset()


def test_a_month_can_have_its_english_name() -> None:
    """%b, in any letter case; the whole name is another form."""
    at = datetime(2017, 1, 2, 3, 4)  # noqa: DTZ001 - local

    assert at == local_time("02-JAN-17 03:04", ["%d-%b-%y %H:%M"])
    assert at == local_time("2 jan 2017 03:04", ["%d %b %Y %H:%M"])
    assert local_time("2 January 2017 03:04", ["%d %b %Y %H:%M"]) is None


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2015-01-02 12:00:00+00", 12),
        ("2015-01-02 12:00:00-05", 17),
        ("2015-01-02 12:00:00+0530", 6),
        ("2015-01-02 12:00:00+05:30", 6),
        ("2015-01-02 12:00:00Z", 12),
    ],
)
def test_an_offset_may_be_of_hours_alone(text: str, hour: int) -> None:
    """As PostgreSQL writes them."""
    found = local_time(text, ["%Y-%m-%d %H:%M:%S%z"])

    assert found
    assert hour == instant(found, BOSTON).hour
