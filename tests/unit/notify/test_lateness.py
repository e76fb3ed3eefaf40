"""After an outage: word past the cut-off becomes one digest per recipient, an order never does."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.notify.domain.lateness import DIGESTED, Overdue, age_s, digest_of, groups, marked
from services.notify.domain.notice import NO_INCIDENT, Notice
from shared.contracts.notice import Purpose
from shared.contracts.values import Lane
from tests.unit.notify.cases import (
    NUMBER,
    T0,
    a_clock,
    an_incident,
    dispatched,
    event,
    minutes,
    occasion,
    told,
)

ORDER = told(event(an_incident(), *dispatched("xj-rescue")))[0]
CUTOFF_S = 1800.0
CALLS = sorted(set(Purpose) - set(DIGESTED))


def of(purpose: Purpose, **changed: object) -> Notice:
    """Return a notice of this purpose."""
    order = replace(ORDER.order, notice_id=uuid4(), purpose=purpose, **changed)
    return Notice(order=order, cause=uuid4(), clock_id=a_clock().clock_id)


def late(notice: Notice, age: timedelta, *, speed: float = 1.0, found_late: bool = False) -> bool:
    """Say whether *notice* of an event said *age* ago waits for a digest."""
    clocks = {a_clock().clock_id} if found_late else set()
    (found,) = marked([notice], T0, clocks, now=T0 + age, speed=speed, cutoff_s=CUTOFF_S)
    return found.late


@pytest.mark.parametrize("purpose", DIGESTED)
def test_word_past_the_cutoff_waits_for_the_digest(purpose: Purpose) -> None:
    """DOMAIN §4: older than the cut-off: one digest per unit, not a flood."""
    assert not late(of(purpose), minutes(30))
    assert late(of(purpose), minutes(30.1))


@pytest.mark.parametrize("purpose", CALLS)
def test_what_calls_a_unit_out_or_back_goes_singly_however_late(purpose: Purpose) -> None:
    """An order names its place and its duty: no list can stand for it."""
    assert not late(of(purpose), timedelta(days=2))


def test_a_breach_found_late_is_as_old_as_its_due_time() -> None:
    """With sla away: it fires all at once, just now."""
    breach = of(Purpose.BREACH, due=T0 - minutes(45))

    assert late(breach, minutes(0), found_late=True)
    assert not late(breach, minutes(0))


def test_an_exercise_at_speed_is_measured_by_the_wall() -> None:
    """A day in two minutes: half an hour of it is no outage, and neither is a clock that stands still."""
    assert 2.5 == age_s(T0, T0 + minutes(30), 720.0)
    assert 60.0 == age_s(T0, T0 + minutes(1), 0.000001)
    assert not late(of(Purpose.BREACH), minutes(300), speed=720.0)


def overdue(recipient: str = "xj-rescue", channel: str = "sms", **changed: object) -> Overdue:
    """Return a late row."""
    notice = of(Purpose.WARNING)
    order = replace(notice.order, recipient=recipient, channel=channel, **changed)
    return Overdue(order=order, cause=notice.cause, version=0, attempts=0)


def test_the_digest_counts_kinds_and_names_incidents() -> None:
    """Whoever reads it knows what to look up; one number is named once."""
    rows = [overdue(), overdue(), overdue(purpose=Purpose.BREACH, number="XJ-2")]
    order = digest_of(rows, occasion()).order

    assert (
        f"【联动】积压汇总：故障期间未能及时发出时限提醒2件、超时通知1件，涉及{NUMBER}、XJ-2，请逐件核对并补办。"
        == order.text
    )
    assert ("xj-rescue", "sms", Purpose.DIGEST, NO_INCIDENT) == (
        order.recipient,
        order.channel,
        order.purpose,
        order.incident_id,
    )
    assert ORDER.order.address == order.address


def test_many_incidents_are_counted() -> None:
    """An SMS has three parts at most."""
    order = digest_of([overdue(number=f"XJ-{n}") for n in range(300)], occasion()).order

    assert "XJ-4等300起" in order.text
    assert len(order.text) < 200


def test_an_urgent_row_makes_the_digest_urgent() -> None:
    """Two lanes to the notice."""
    mixed = [overdue(lane=Lane.ORDINARY), overdue(lane=Lane.URGENT)]

    assert Lane.URGENT is digest_of(mixed, occasion()).order.lane
    assert Lane.ORDINARY is digest_of(mixed[:1] * 2, occasion()).order.lane


ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["sms", "webhook"]), st.booleans())
)


@given(ROWS)
def test_every_late_row_stands_in_exactly_one_digest(rows: list[tuple[str, str, bool]]) -> None:
    """Never silently dropped; nobody reads of another's, and an exercise never mixes with real word."""
    given_rows = [overdue(who, channel, exercise=exercise) for who, channel, exercise in rows]
    found = groups(given_rows)

    assert sorted(r.order.notice_id for r in given_rows) == sorted(
        r.order.notice_id for group in found for r in group
    )
    keys = [{(r.order.recipient, r.order.channel, r.order.exercise) for r in g} for g in found]
    assert all(len(key) == 1 for key in keys)
    assert len(keys) == len(set(map(frozenset, keys)))


def test_the_same_rows_make_the_same_digest() -> None:
    """Whichever process comes first: the notice id is made of what is replaced."""
    one, other = overdue(), overdue()

    assert (
        digest_of([one, other], occasion("1")).order.notice_id
        == digest_of([one, other], occasion("2")).order.notice_id
        != digest_of([one, one], occasion("1")).order.notice_id
    )
