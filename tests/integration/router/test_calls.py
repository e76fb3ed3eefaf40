"""From a call on Kafka to the incident's event in the outbox, on real parts."""

from __future__ import annotations

import pytest

from shared.contracts import ids
from tests.builders import a_call
from tests.integration.router.stage import Stage

pytestmark = pytest.mark.infrastructure


async def test_a_call_becomes_a_dispatched_incident_in_one_event(stage: Stage) -> None:
    """Rows 1, 2, 5: received, accepted and dispatched are one decision and one event."""
    call = a_call()
    async with stage.instance():
        await stage.call(call)
        incident = await stage.opened(call)

    events = await stage.events()

    assert [ids.incident_id(call.call_id)] == [e.incident.incident_id for e in events]
    assert ["received", "accepted", "dispatched", "dispatched"] == [
        c.kind for c in events[0].changes
    ]
    assert incident == events[0].incident
    assert "XJ-20261122-" == incident.number[:12]
