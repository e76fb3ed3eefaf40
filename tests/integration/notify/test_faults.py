"""Processes that are killed or stopped: nothing is lost, and the ledger knows each delivery once."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from shared.contracts.incident import ChangeKind
from tests.engine import until
from tests.integration.notify.stage import Stage, fresh
from tests.unit.notify.cases import dispatched, event

pytestmark = [pytest.mark.infrastructure, pytest.mark.faults]


@contextmanager
def ended(*children: subprocess.Popen[bytes]) -> Iterator[None]:
    """See to it that no process is left, however the block ends."""
    try:
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


async def delivered_once(stage: Stage, incident: UUID) -> list[Any]:
    """Wait until both notices are settled, require one delivery each, said once."""
    found = await stage.settled(incident, 2)
    said = await stage.said("notice.events.v1", incident, 2)
    outcomes = [(e.data.channel, e.data.state.value) for e in said if e]  # type: ignore[attr-defined]

    assert [("sms", "delivered"), ("webhook", "delivered")] == sorted(
        o for o in outcomes if o[1] != "failed"
    )
    return found


async def test_killed_between_ledger_row_and_call_the_order_still_leaves(stage: Stage) -> None:
    """The row is there, the gateway was never reached: the next life of the process sends it."""
    incident = fresh().incident_id
    await stage.sms.down()
    await stage.webhook.down()
    first = stage.process(attempts=1000)
    with ended(first):
        await stage.say(event(fresh_as(incident), *dispatched("xj-rescue")))
        await stage.queued(incident, 2)
        first.kill()
        first.wait()
    await stage.sms.up()
    await stage.webhook.up()
    with ended(stage.process()):
        await delivered_once(stage, incident)

    assert [1, 1] == [len(gateway.of(incident)) for gateway in (stage.sms, stage.webhook)]


async def test_killed_after_the_call_before_its_result_the_same_key_goes_again(
    stage: Stage,
) -> None:
    """At least once outside, once in the ledger: the gateway recognises the notice_id."""
    incident = fresh().incident_id
    stage.sms.open.clear()
    stage.webhook.open.clear()
    first = stage.process()
    with ended(first):
        await stage.say(event(fresh_as(incident), *dispatched("xj-rescue")))
        await stage.reached(stage.sms, incident, 1)
        await stage.reached(stage.webhook, incident, 1)
        first.kill()
        first.wait()
    stage.sms.open.set()
    stage.webhook.open.set()
    with ended(stage.process()):
        found = await delivered_once(stage, incident)

    assert [2, 2] == [n for g in (stage.sms, stage.webhook) for n in g.times(incident).values()]
    assert {row["notice_id"] for row in found} == {
        o.notice_id for g in (stage.sms, stage.webhook) for o in g.of(incident)
    }


async def test_two_instances_share_the_work_and_the_other_one_inherits(stage: Stage) -> None:
    """Partitions spread; when one is killed with notices in hand, the other takes its rows over."""
    incidents = [fresh().incident_id for _ in range(30)]
    one, other = stage.process("1", attempts=1000), stage.process("2", attempts=1000)
    with ended(one, other):
        await both_hold(stage)
        await stage.sms.down()
        await stage.webhook.down()
        await stage.say(*(event(fresh_as(i), *dispatched("xj-rescue")) for i in incidents))
        for incident in incidents:
            await stage.queued(incident, 2)
        owners = await stage.database.fetch("select distinct owner from notice")
        one.kill()
        one.wait()
        await stage.sms.up()
        await stage.webhook.up()
        for incident in incidents:
            await stage.settled(incident, 2)

    assert {"1", "2"} == {row["owner"].split("/")[0] for row in owners}
    for gateway in (stage.sms, stage.webhook):
        assert {1} == {n for i in incidents for n in gateway.times(i).values()}


async def test_a_stopped_process_that_wakes_does_nothing_twice(stage: Stage) -> None:
    """SIGSTOP past its lease with orders out: another took them over, the ledger counts them once."""
    incident = fresh().incident_id
    stage.sms.open.clear()
    first = stage.process("1", timeout_s=30.0)
    with ended(first):
        await stage.say(event(fresh_as(incident), *dispatched("xj-rescue")))
        await stage.reached(stage.sms, incident, 1)
        first.send_signal(signal.SIGSTOP)
        second = stage.process("2", timeout_s=30.0)
        with ended(second):
            await stage.reached(stage.sms, incident, 2)  # the lease of the first has run out
            stage.sms.open.set()
            found = await stage.settled(incident, 2)
            first.send_signal(signal.SIGCONT)
            later = fresh().incident_id
            await stage.say(event(fresh_as(later), *dispatched("xj-rescue")))
            await stage.settled(later, 2)
            again = await stage.rows(incident)

    assert [dict(row) for row in found] == [dict(row) for row in again]
    assert {("delivered", 1)} == {(row["state"], row["version"]) for row in again}


async def test_a_row_nobody_owns_is_sent(stage: Stage) -> None:
    """Rows left in the ledger because a process had no room are claimed by whoever has."""
    incident = fresh().incident_id
    with ended(stage.process()):
        await stage.say(event(fresh_as(incident), *dispatched("xj-rescue")))
        await stage.settled(incident, 2)
        await stage.database.write(
            "update notice set state = 'queued', version = 0, owner = '' where incident_id = $1",
            incident,
        )
        await stage.settled(incident, 2)

    assert [2, 2] == [n for g in (stage.sms, stage.webhook) for n in g.times(incident).values()]


async def test_a_claim_takes_nothing_from_behind_a_living_holder(stage: Stage) -> None:
    """First in, first out per (incident, recipient), over processes: the first one is another's still."""
    incident, other = fresh().incident_id, fresh().incident_id
    with ended(stage.process()):
        for each in (incident, other):
            await stage.say(event(fresh_as(each), *dispatched("xj-rescue")))
            await stage.say(event(fresh_as(each), (ChangeKind.REWORK, "xj-rescue")))
            await stage.settled(each, 4)
        await stage.database.write(
            "insert into holder values ('2/living', clock_timestamp() + interval '1 hour')"
        )
        await stage.database.write(
            "update notice n set state = 'queued', version = 0, owner = case when incident_id = $1 and"
            " cause = (select cause from notice where incident_id = $1 order by seq limit 1)"
            " then '2/living' else '' end where channel = 'sms'",
            incident,
        )
        await stage.settled(other, 4)
        held = [
            (r["owner"], r["state"]) for r in await stage.rows(incident) if r["channel"] == "sms"
        ]

    assert [("2/living", "queued"), ("", "queued")] == held


async def test_a_row_whose_commit_was_never_answered_is_found(stage: Stage) -> None:
    """The process owns it and does not know: it finds the row within two sweeps."""
    incident = fresh().incident_id
    with ended(stage.process()):
        await stage.say(event(fresh_as(incident), *dispatched("xj-rescue")))
        await stage.settled(incident, 2)
        await stage.database.write(
            "update notice set state = 'queued', version = 0 where incident_id = $1", incident
        )
        await stage.settled(incident, 2)

    assert [2, 2] == [n for g in (stage.sms, stage.webhook) for n in g.times(incident).values()]


def fresh_as(incident: UUID) -> Any:
    """Return the case's incident under this id."""
    return replace(fresh(), incident_id=incident)


async def both_hold(stage: Stage) -> None:
    """Wait until each instance has committed for a partition of its own."""

    async def shared() -> bool:
        probes = [fresh() for _ in range(8)]
        await stage.say(*(event(p, *dispatched("xj-rescue")) for p in probes))
        for probe in probes:
            await stage.settled(probe.incident_id, 2)
        rows = await stage.database.fetch(
            "select distinct owner from notice where incident_id = any($1::uuid[])",
            [p.incident_id for p in probes],
        )
        return len(rows) == 2

    await until(shared)
