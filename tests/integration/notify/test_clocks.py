"""Warnings, breaches and corrections of sla reach people; its silence reaches the desk."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY

from services.notify.domain.notice import NO_INCIDENT
from shared.contracts.envelope import Message
from shared.contracts.incident import Role
from shared.contracts.sla import ClockChangeKind, ClockState, Heartbeat, SlaEvent
from shared.contracts.values import Lane
from tests.engine import until
from tests.integration.notify.stage import Stage, fresh
from tests.unit.notify.cases import (
    T0,
    a_clock,
    a_duty,
    an_incident,
    breached,
    clock_event,
    corrected,
    dispatched,
    event,
)

pytestmark = pytest.mark.infrastructure


def of(incident: UUID, said: SlaEvent) -> SlaEvent:
    """Return *said* of this incident."""
    return replace(said, incident_id=incident)


async def test_whoever_heard_of_a_breach_hears_of_its_correction(stage: Stage) -> None:
    """Row 18 and 19, over restarts: who was told stands in the view, not in memory."""
    incident = fresh(an_incident(a_duty(), a_duty("xj-medical", Role.STANDBY)))
    key, late = incident.incident_id, breached(a_clock())
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.settled(key, 2)
        await stage.say(of(key, clock_event(ClockChangeKind.BREACHED, late, level=1)))
        await stage.settled(key, 7)
    async with stage.here():
        await stage.say(of(key, clock_event(ClockChangeKind.CORRECTED, corrected(late))))
        found = await stage.settled(key, 10)

    def told(*purposes: str) -> set[str]:
        return {row["recipient"] for row in found if row["purpose"] in purposes}

    assert {"xj-rescue", "post-deputy-head", "xj-medical"} == told("breach", "widen")
    assert told("breach", "widen") == told("correction")


async def test_a_warning_that_could_not_leave_is_dropped_once_the_clock_is_met(
    stage: Stage,
) -> None:
    """Superseded: the reminder would only confuse."""
    key = fresh().incident_id
    await stage.webhook.down()
    async with stage.here(attempts=1000):
        await stage.say(of(key, clock_event(ClockChangeKind.WARNED, a_clock())))
        await stage.queued(key, 1)
        met = a_clock(state=ClockState.MET, stopped=T0)
        await stage.say(of(key, clock_event(ClockChangeKind.MET, met)))
        found = await stage.settled(key, 1)

    assert [("superseded", "clock_stopped")] == [(r["state"], r["reason"]) for r in found]


def beat(stage: Stage, lane: Lane, number: int) -> Message:
    """Return sla's heartbeat on the lane (both lanes' topics are one here)."""
    data = Heartbeat(instance="sla-1", beat=number, said_at=T0, open_clocks=0, oldest_overdue_s=0.0)
    return Message(
        topic=stage.clocks_topic, key="sla-1", producer="sla", family="heartbeat", change="said",
        aggregate=uuid4(), version=number, time=T0, lane=lane, data=data,
    )  # fmt: skip


async def test_sla_silent_for_too_long_is_told_to_the_desk_once(stage: Stage) -> None:
    """§4.12: the watchdog; two instances watch, one alarm goes by each channel of the rule."""
    second = replace(stage.task, instance="2")
    async with (
        stage.here(sla_silent_s=0.9),
        stage.here(sla_silent_s=0.9, instance=second.instance),
    ):
        await stage.publish(beat(stage, Lane.URGENT, 1))

        async def heard() -> bool:
            return bool(await stage.database.fetch("select 1 from sla_heartbeat"))

        await until(heard)
        found = await stage.settled(NO_INCIDENT, 4)

    alarms = {(r["recipient"], r["channel"], r["purpose"], r["state"]) for r in found}
    assert {("xj-desk", c, "watchdog", "delivered") for c in ("sms", "webhook")} == alarms
    causes = {row["cause"] for row in found}
    assert len(found) == 2 * len(causes)
    assert all("无心跳" in order.text for order in stage.sms.of(NO_INCIDENT))
    assert {1} == set(stage.sms.times(NO_INCIDENT).values())
    assert (REGISTRY.get_sample_value("liandong_sla_silent_seconds") or 0) > 0


async def test_a_beating_sla_alarms_nobody(stage: Stage) -> None:
    """The limit is 30 s of wall time; what nobody was up to hear does not count."""
    await stage.database.write(
        "insert into sla_heartbeat values (0, $1, clock_timestamp() - interval '1 hour'),"
        " (1, $1, clock_timestamp() - interval '1 hour')",
        uuid4(),
    )
    incident = fresh()
    async with stage.here():
        await stage.say(event(incident, *dispatched("xj-rescue")))
        await stage.settled(incident.incident_id, 2)

    assert [] == await stage.rows(NO_INCIDENT)
