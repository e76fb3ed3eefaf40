"""Platform time at another speed: everything is exercise, and tolerances stretch with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from deploy.database import set_clock
from tests.integration.intake.conftest import Start
from tests.integration.intake.station import Station, a_record
from tests.parts import FreshDatabase

pytestmark = pytest.mark.infrastructure
ORIGIN = datetime(2026, 3, 1, tzinfo=UTC)
SPEED = 720.0


@pytest.fixture(scope="module")
def drilling(module_database: FreshDatabase, start: Start) -> Iterator[Station]:
    """Run intake where a day passes in two minutes."""
    set_clock(module_database.admin, origin=ORIGIN, speed=SPEED)
    with start() as running_intake:
        yield running_intake


async def test_at_another_speed_everything_is_exercise(drilling: Station) -> None:
    """ARCHITECTURE 4.13: asked for or not."""
    record = a_record(bjsj=ORIGIN.isoformat())
    answer = await drilling.post(record)
    rows = await drilling.rows(
        "select exercise, recorded_at from calls where source_id = $1", record["jjdbh"]
    )

    assert 202 == answer.status_code
    assert rows[0]["exercise"]
    assert ORIGIN < rows[0]["recorded_at"] < ORIGIN + timedelta(days=30)


@pytest.mark.parametrize(
    ("ahead", "status"), [(timedelta(minutes=20), 202), (timedelta(days=60), 400)]
)
async def test_tolerances_are_two_wall_seconds_at_least(
    drilling: Station, ahead: timedelta, status: int
) -> None:
    """ARCHITECTURE 4.13: max(rule, 2 s x speed), here 24 min instead of 5."""
    now = (await drilling.rows("select platform.now() as now"))[0]["now"]
    answer = await drilling.post(a_record(bjsj=(now + ahead).isoformat()))

    assert status == answer.status_code
