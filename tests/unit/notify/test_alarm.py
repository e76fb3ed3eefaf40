"""Alarms to the duty desk: the first at once, the others as one digest a period, none forgotten."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from deploy.topics import read_topics
from services.notify.domain.alarm import (
    MOST_HEARD,
    OTHER,
    Alarm,
    AlarmKind,
    Fault,
    Report,
    alarm_notices,
    digested,
    raised,
    word,
)
from services.notify.domain.notice import NO_INCIDENT, Occasion
from shared.contracts.raw_consumers import DEAD_LETTERS, raw_consumers
from tests.unit.notify.cases import PACK, T0, occasion

PERIOD = timedelta(minutes=30)
QUIET = Alarm(AlarmKind.DEAD_LETTER, "router.urgent")


def fault(reason: str = "crash", once: str = "") -> Fault:
    """Return a dead letter of router's."""
    return Fault(AlarmKind.DEAD_LETTER, "router.urgent", reason, once)


def test_the_first_is_told_at_once() -> None:
    """§4.6: a dead letter alarms people, not only a counter."""
    after, report = raised(QUIET, [fault(), fault("malformed_data")], T0, PERIOD)

    assert (
        Report(AlarmKind.DEAD_LETTER, "router.urgent", {"crash": 1, "malformed_data": 1}) == report
    )
    assert (T0, 1, {}) == (after.told_at, after.version, after.waiting)


def test_the_next_ones_wait_for_the_digest() -> None:
    """A flood of bad records is one telephone call, not a thousand."""
    alarm, _ = raised(QUIET, [fault()], T0, PERIOD)
    alarm, report = raised(alarm, [fault(), fault()], T0 + timedelta(minutes=1), PERIOD)

    assert (None, {"crash": 2}) == (report, alarm.waiting)
    assert ([], []) == digested([alarm], T0 + PERIOD - timedelta(seconds=1), PERIOD)
    assert [Report(alarm.kind, alarm.subject, {"crash": 2})] == digested(
        [alarm], T0 + PERIOD, PERIOD
    )[1]


def test_after_a_quiet_period_it_is_told_at_once_again() -> None:
    """Whoever was told an hour ago must hear of the next one now."""
    alarm, _ = raised(QUIET, [fault()], T0, PERIOD)

    assert raised(alarm, [fault()], T0 + PERIOD, PERIOD)[1] is not None


def test_one_digest_names_all_that_wait() -> None:
    """One telephone call for all of it: whoever waits longest takes the others along."""
    old = Alarm(AlarmKind.DEAD_LETTER, "router.urgent", 2, T0, {"crash": 3})
    new = Alarm(AlarmKind.CONSUMER_HALTED, "sla.urgent", 2, T0 + PERIOD, {"halted": 1})
    told, reports = digested([old, new, QUIET], T0 + PERIOD, PERIOD)

    assert ["sla.urgent", "router.urgent"] == [report.subject for report in reports]
    assert {(3, T0 + PERIOD)} == {(each.version, each.told_at) for each in told}
    assert ([], []) == digested(told, T0 + 3 * PERIOD, PERIOD)


def test_what_two_processes_see_counts_once() -> None:
    """Both instances watch sla: one silence, one alarm."""
    alarm, first = raised(QUIET, [fault(once="silence 1")], T0, PERIOD)
    again, second = raised(alarm, [fault(once="silence 1")], T0, PERIOD)

    assert first is not None
    assert (alarm, None) == (again, second)


@pytest.mark.parametrize("kind", [AlarmKind.CONSUMER_HALTED, AlarmKind.SLA_SILENT])
def test_another_halt_or_silence_waits_for_no_digest(kind: AlarmKind) -> None:
    """Set past at 14:05, halted at the next damaged batch 14:06: people hear of it at 14:06."""
    alarm, at = Alarm(kind, "router.urgent"), T0
    told = []
    for which in ("first", "second", "first", "second", "third"):
        alarm, report = raised(
            alarm, [Fault(kind, "router.urgent", "halted", which=which)], at, PERIOD
        )
        told.append(report and report.counts)
        at += timedelta(minutes=6)

    assert [{"halted": 1}, {"halted": 1}, None, None, {"halted": 3}] == told
    assert {} == alarm.waiting


def test_one_halt_is_said_again_by_the_digest_while_it_stands() -> None:
    """Said again every ten minutes by who halts: one call a period, the same one."""
    alarm, calls = Alarm(AlarmKind.CONSUMER_HALTED, "router.urgent"), []
    again = Fault(alarm.kind, alarm.subject, "halted", which="it")
    for minute in range(0, 100, 10):
        now = T0 + timedelta(minutes=minute)
        done, reports = digested([alarm], now, PERIOD)
        alarm, report = raised(done[0] if done else alarm, [again], now, PERIOD)
        calls += [minute] * bool(reports or report)

    assert [0, 30, 60, 90] == calls


def test_halts_without_number_are_no_flood() -> None:
    """Anybody may have written a twin's headers: past a limit the digest has them."""
    alarm, told = Alarm(AlarmKind.CONSUMER_HALTED, "router.urgent"), 0
    for n in range(3 * MOST_HEARD):
        fault = Fault(alarm.kind, alarm.subject, "halted", which=f"w{n}")
        alarm, report = raised(alarm, [fault], T0, PERIOD)
        told += report is not None

    assert (MOST_HEARD, MOST_HEARD) == (told, len(alarm.heard))
    assert {"halted": 2 * MOST_HEARD} == alarm.waiting


def test_every_version_is_a_cause_of_its_own() -> None:
    """Unique on (cause, recipient, channel): two alarms are two notices, a repeated commit is one."""
    assert QUIET.cause == replace(QUIET).cause
    assert 3 == len({replace(QUIET, version=n).cause for n in (1, 2)} | {QUIET.alarm_id})


FAULTS = st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(["crash", "late"])), max_size=30)


@given(FAULTS)
def test_no_fault_is_forgotten_and_nobody_is_called_twice_in_a_period(
    steps: list[tuple[int, str]],
) -> None:
    """Whatever the rhythm: told at once or in a digest, each exactly once."""
    alarm, now, told = QUIET, T0, Counter[str]()
    calls = []
    for seconds, reason in steps:
        now += timedelta(seconds=seconds)
        done, reports = digested([alarm], now, PERIOD)
        alarm, report = raised(done[0] if done else alarm, [fault(reason)], now, PERIOD)
        for each in [*reports, *([report] if report else [])]:
            told.update(each.counts)
            calls.append(now)
    for each in digested([alarm], now + PERIOD, PERIOD)[1]:
        told.update(each.counts)

    assert Counter(reason for _, reason in steps) == told
    assert all(b - a >= PERIOD for a, b in pairwise(calls))


@pytest.mark.parametrize("kind", list(AlarmKind))
def test_the_desk_is_told_on_two_channels(kind: AlarmKind) -> None:
    """R12: phone (computer) and SMS at the same time."""
    notices = alarm_notices([Report(kind, "router.urgent", {"crash": 1})], occasion(), digest=False)

    assert {("xj-desk", "sms"), ("xj-desk", "webhook")} == {
        (n.order.recipient, str(n.order.channel)) for n in notices
    }
    assert {NO_INCIDENT} == {n.order.incident_id for n in notices}
    assert all("平台告警：" in n.order.text for n in notices)


def test_a_pack_that_names_no_rule_is_told_all_the_same() -> None:
    """Alarms about the platform cannot be turned off."""
    silent = replace(PACK, notices=replace(PACK.notices, rules=()))
    reports = [Report(AlarmKind.DEAD_LETTER, "router.urgent", {"crash": 1})]
    notices = alarm_notices(reports, Occasion(silent, QUIET.cause, T0), digest=False)

    assert {"sms", "webhook"} == {str(n.order.channel) for n in notices}


def test_the_text_says_who_what_and_how_often() -> None:
    """Short enough for an SMS; many things are counted, not listed."""
    kinds = [Report(AlarmKind.DEAD_LETTER, f"c{n}", {"crash": 30, "other": 7}) for n in range(6)]
    halted = Report(AlarmKind.CONSUMER_HALTED, "sla.urgent", {"halted": 1})
    digest, single = (
        alarm_notices(reports, occasion(), digest=len(reports) > 1)[0].order.text
        for reports in (kinds, [halted])
    )

    assert "【联动】平台告警：sla.urgent已停止处理、等待人工，请立即检查。" == single
    assert "平台告警汇总：c0有37条消息无法处理、已转入死信（crash30、other7）" in digest
    assert "等6项" in digest


@pytest.mark.parametrize("text", ["13800138000", "王某某报警", "Crash", "", "a" * 60, "a b"])
def test_no_sentence_of_a_topic_reaches_a_text(text: str) -> None:
    """Anybody may have written a twin's headers: only plain words pass."""
    assert OTHER == word(text)


def test_every_feed_and_twin_that_is_read_is_created() -> None:
    """A reader of a topic that does not exist would wait for ever, and nobody would be called."""
    departments = [department.id for department in PACK.departments]
    created = {topic.name for topic in read_topics(departments=departments)}
    read = raw_consumers(departments)

    assert set() == {topic for topics in read.values() for topic in topics} - created
    assert {name for name in created if name.endswith(".dead")} == set(read[DEAD_LETTERS])
