"""Orders leave by two gateways, once, in order, with proof (ARCHITECTURE §4.11)."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.contracts import ids
from shared.contracts.notice import NoticeEvent
from tests.integration.notify.stage import Stage, fresh
from tests.unit.notify.cases import dispatched, event

pytestmark = pytest.mark.infrastructure


def notice_ids(cause: UUID) -> set[UUID]:
    """Return the ids of the rescue team's two notices."""
    return {ids.notice_id(cause, "xj-rescue", channel) for channel in ("sms", "webhook")}


async def test_an_order_reaches_both_gateways_and_is_proved(stage: Stage) -> None:
    """R12: two channels at once; the ledger and `notice.events` hold the provider's receipt."""
    incident = fresh()
    async with stage.here():
        (cause,) = await stage.say(event(incident, *dispatched("xj-rescue")))
        rows = await stage.settled(incident.incident_id, 2)
        said = await stage.said("notice.events.v1", incident.incident_id, 2)

    assert notice_ids(cause) == {row["notice_id"] for row in rows}
    assert {("delivered", 1, 1)} == {(r["state"], r["attempts"], r["version"]) for r in rows}
    assert (
        1 == len(stage.sms.of(incident.incident_id)) == len(stage.webhook.of(incident.incident_id))
    )
    assert {"delivered"} == {e.data.state for e in said if e and isinstance(e.data, NoticeEvent)}
    assert {f"ref-{row['notice_id']}" for row in rows} == {row["provider_ref"] for row in rows}
