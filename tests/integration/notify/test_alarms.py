"""What goes wrong in any service reaches the duty desk by its `.dead` twin: at once, then as a digest."""

from __future__ import annotations

import pytest

from deploy.topics import Topic
from services.notify.domain.notice import NO_INCIDENT
from shared.runtime.bus import Outgoing
from tests.engine import until
from tests.integration.notify.stage import Stage
from tests.parts import SessionKafka

pytestmark = pytest.mark.infrastructure


def letter(topic: str, reason: str = "malformed_data", consumer: str = "router.urgent") -> Outgoing:
    """Return a record as the runtime diverts it; what it holds is nobody's business here."""
    headers = [
        ("ce_id", b"13800138000"),
        ("dead_reason", reason.encode()),
        ("dead_consumer", consumer.encode()),
        ("dead_offset", b"7"),
        ("dead_partition", b"0"),
    ]
    return Outgoing(topic, b"key", b"13800138000 is no event", headers)


async def test_a_dead_letter_is_told_at_once_and_the_next_ones_in_a_digest(
    stage: Stage, kafka: SessionKafka
) -> None:
    """§4.6: shown at the desk and alarmed, on two channels (R12), without a flood; nothing of the letter."""
    twin = await kafka.topic("call.urgent.dead")
    _, consumers = await stage.also_hearing("notify.dead", twin)
    async with stage.here(consumers=consumers, digest_after_s=2):
        await stage.write(letter(twin))
        await stage.settled(NO_INCIDENT, 2)
        await stage.write(*(letter(twin, "crash") for _ in range(40)), letter(twin, "halted"))
        await stage.settled(NO_INCIDENT, 6)
    told = {(o.recipient, o.purpose.value) for g in (stage.sms, stage.webhook) for o in g.orders}
    texts = [order.text for order in stage.sms.orders]

    assert {("xj-desk", "watchdog")} == told
    assert [3, 3] == [len(gateway.orders) for gateway in (stage.sms, stage.webhook)]
    assert "router.urgent有1条消息无法处理、已转入死信（malformed_data）" in texts[0]
    assert "router.urgent已停止处理" in texts[1]
    assert "平台告警汇总：router.urgent有40条消息无法处理、已转入死信（crash）" in texts[2]
    assert not [text for text in texts if "13800138000" in text]


async def test_a_record_notify_itself_cannot_read_reaches_the_desk(
    stage: Stage, kafka: SessionKafka
) -> None:
    """The whole way on real parts: diverted by the consumer, said on the twin, heard, told."""
    twin = f"{stage.incidents_topic}.dead"
    await kafka.topics(Topic(twin, 1))
    _, consumers = await stage.also_hearing("notify.dead", twin)
    async with stage.here(consumers=consumers):
        await stage.write(Outgoing(stage.incidents_topic, b"key", b"not an event", []))
        found = await stage.settled(NO_INCIDENT, 2)

    assert {("xj-desk", c) for c in ("sms", "webhook")} == {
        (row["recipient"], row["channel"]) for row in found
    }
    assert "notify.urgent" in stage.sms.orders[0].text
    assert "not_an_event" in stage.sms.orders[0].text


async def test_a_restart_alarms_of_nothing_twice(stage: Stage, kafka: SessionKafka) -> None:
    """The offset stands with the alarm, in one statement."""
    twin = await kafka.topic("call.urgent.dead")
    name, consumers = await stage.also_hearing("notify.dead", twin)
    async with stage.here(consumers=consumers):
        await stage.write(letter(twin))
        await stage.settled(NO_INCIDENT, 2)
    async with stage.here(consumers=consumers) as service:

        async def ready() -> bool:
            return next(p for p in service.parts if p.name == name).waiting is None

        await until(ready)
        await stage.write(letter(twin, consumer="sla.urgent"))
        found = await stage.settled(NO_INCIDENT, 4)

    assert 4 == len(found)
    assert 2 == len({row["cause"] for row in found})


async def test_a_consumer_that_waits_for_a_person_calls_one(
    stage: Stage, kafka: SessionKafka
) -> None:
    """Past the limit of dead letters it stops rather than divert an hour of emergencies: somebody must come."""
    twin = f"{stage.incidents_topic}.dead"
    await kafka.topics(Topic(twin, 1))
    _, consumers = await stage.also_hearing("notify.dead", twin)
    nonsense = Outgoing(stage.incidents_topic, b"key", b"not an event", [])
    await stage.write(*[nonsense] * 120)

    def called() -> list[str]:
        texts = [order.text for gateway in (stage.sms, stage.webhook) for order in gateway.orders]
        return [text for text in texts if "已停止处理、等待人工" in text]

    async def on_both() -> bool:
        return len(called()) == 2

    async with stage.here(consumers=consumers):
        await until(on_both)

    assert all("平台告警：notify.urgent" in text for text in called())


async def test_a_reader_without_an_offset_calls_too(stage: Stage, kafka: SessionKafka) -> None:
    """Whoever hears the twins cannot be told of by a twin: it calls by itself, once."""
    twin = await kafka.topic("call.urgent.dead")
    name = kafka.unique("notify.dead")
    async with stage.here(consumers={**stage.task.consumers, name: (twin,)}):
        found = await stage.settled(NO_INCIDENT, 2)

    assert 2 == len(found)
    assert {f"【联动】平台告警：{name}已停止处理、等待人工，请立即检查。"} == {
        order.text for order in stage.sms.orders
    }
