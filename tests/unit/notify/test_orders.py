"""Who is ordered, told to stand by, stood down and reported to when an incident changes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.notify.domain.orders import notices_of
from services.notify.domain.view import seen
from shared.contracts import ids
from shared.contracts.incident import (
    AssignmentState,
    ChangeKind,
    IncidentState,
    Origin,
    Relation,
    Role,
)
from shared.contracts.notice import Purpose
from shared.contracts.order import Order
from shared.contracts.pack import Channel, NoticeCause, NoticeRule, Recipient
from tests.unit.notify.cases import (
    CALLER_HASH,
    INCIDENT,
    NUMBER,
    PACK,
    PLACE,
    T0,
    a_duty,
    an_incident,
    dispatched,
    event,
    occasion,
    told,
    view_of,
    who,
)

STANDBY = a_duty("xj-militia", Role.STANDBY)
SUPPORT = a_duty("xj-medical", Role.SUPPORT)


def order_to(recipient: str, *args: object) -> Order:
    """Return the SMS order of the notices told, to *recipient*."""
    return next(n.order for n in told(*args) if n.order.recipient == recipient)  # type: ignore[arg-type]


def test_an_order_goes_by_both_channels_at_once() -> None:
    """R12: by computer and by SMS at the same time, straight to each team."""
    said = event(an_incident(a_duty(), SUPPORT), *dispatched("xj-rescue", "xj-medical"))

    assert {
        ("xj-rescue", "sms", "dispatch"),
        ("xj-rescue", "webhook", "dispatch"),
        ("xj-medical", "sms", "dispatch"),
        ("xj-medical", "webhook", "dispatch"),
    } == who(told(said))


def test_a_dispatch_that_names_no_assignment_means_those_new_to_us() -> None:
    """A change without an assignment id speaks of every unit sent by this event."""
    before = view_of(an_incident(a_duty(state=AssignmentState.ACKED)))
    said = event(an_incident(a_duty(state=AssignmentState.ACKED), SUPPORT), ChangeKind.DISPATCHED)

    assert {"xj-medical"} == {n.order.recipient for n in told(said, before)}


def test_a_self_dispatched_unit_needs_no_order() -> None:
    """双轨制 (P12): it is on its way already."""
    duty = a_duty(origin=Origin.SELF_DISPATCHED)

    assert [] == told(event(an_incident(duty), (ChangeKind.SELF_DISPATCHED, "xj-rescue")))
    assert [] == told(event(an_incident(duty), ChangeKind.DISPATCHED))


def test_standby_units_are_not_told_at_dispatch() -> None:
    """ARCHITECTURE §2: only widening tells them, their own ACK activates them."""
    said = event(an_incident(a_duty(), STANDBY), *dispatched("xj-rescue"))

    assert "xj-militia" not in {recipient for recipient, _, _ in who(told(said))}


def test_a_region_may_warn_its_standby_units_at_dispatch() -> None:
    """Xianju's pack does not; one that does tells each once, without the exact place."""
    early = NoticeRule(
        "early", NoticeCause.DISPATCHED, Recipient.STANDBY, Purpose.STANDBY, (Channel.SMS,), "ours"
    )
    rules = (*PACK.notices.rules, early)
    pack = replace(PACK, notices=replace(PACK.notices, rules=rules))
    incident = an_incident(a_duty(), STANDBY)
    said = event(incident, *dispatched("xj-rescue"))
    first = notices_of(said, None, replace(occasion(), pack=pack))
    again = notices_of(said, view_of(incident), replace(occasion(), pack=pack))

    (warned,) = (n.order for n in first if n.order.recipient == "xj-militia")
    assert (Purpose.STANDBY, "sms", "") == (warned.purpose, warned.channel, warned.place)
    assert "待命" in warned.text
    assert "xj-militia" not in {n.order.recipient for n in again}


def test_a_unit_called_out_of_standby_is_ordered_with_the_place() -> None:
    """Row 26: activated by its own ACK or by the desk, it needs the order now."""
    before = view_of(an_incident(a_duty(), STANDBY))
    active = replace(STANDBY, state=AssignmentState.ACKED, role=Role.SUPPORT)
    said = event(an_incident(a_duty(), active), (ChangeKind.ACTIVATED, "xj-militia"))
    notices = told(said, before)

    assert {("xj-militia", "sms", "dispatch"), ("xj-militia", "webhook", "dispatch")} == who(
        notices
    )
    assert all(n.order.place == PLACE for n in notices)


def test_a_duty_that_moves_orders_the_new_unit_and_stands_the_old_one_down() -> None:
    """Row 23: REASSIGNED names the unit it moves to, RELEASED the one let go."""
    gone = a_duty(state=AssignmentState.REASSIGNED)
    heir = a_duty("xj-hazmat")
    said = event(
        an_incident(gone, heir),
        (ChangeKind.REASSIGNED, "xj-hazmat"),
        (ChangeKind.RELEASED, "xj-rescue"),
    )

    assert {
        ("xj-hazmat", "sms", "dispatch"),
        ("xj-hazmat", "webhook", "dispatch"),
        ("xj-rescue", "sms", "release"),
        ("xj-rescue", "webhook", "release"),
    } == who(told(said, view_of()))


def test_a_cancelled_incident_stands_down_whoever_was_told_to_come() -> None:
    """Row 21; a unit that has already fed back hears nothing."""
    before = view_of(
        an_incident(a_duty(), STANDBY, a_duty("xj-medical", state=AssignmentState.FED_BACK))
    )
    over = [replace(each, state=AssignmentState.RELEASED) for each in (a_duty(), STANDBY)]
    done = a_duty("xj-medical", state=AssignmentState.FED_BACK)
    said = event(
        an_incident(*over, done, state=IncidentState.CANCELLED),
        ChangeKind.CANCELLED,
        (ChangeKind.RELEASED, "xj-rescue"),
        (ChangeKind.RELEASED, "xj-militia"),
    )
    notices = told(said, before)

    assert {"xj-rescue", "xj-militia"} == {n.order.recipient for n in notices}
    assert {"release"} == {n.order.purpose.value for n in notices}
    assert len(notices) == len({n.order.notice_id for n in notices})


def test_rework_orders_the_unit_again() -> None:
    """§4.11: another causing event, so it is told again, and says that it is again."""
    duty = a_duty(state=AssignmentState.ARRIVED)
    before = view_of(an_incident(a_duty(state=AssignmentState.FED_BACK)))
    notices = told(event(an_incident(duty), (ChangeKind.REWORK, "xj-rescue")), before)

    assert {("xj-rescue", "sms", "dispatch"), ("xj-rescue", "webhook", "dispatch")} == who(notices)
    assert "重新处置" in notices[0].order.text


def test_leaders_and_commander_hear_of_a_major_incident_once() -> None:
    """R17, P11: reported in time, for severities 1 and 2; a later reinforcement is no news to them."""
    major = an_incident(a_duty(), severity=2)
    first = told(event(major, *dispatched("xj-rescue")))
    more = told(
        event(replace(major, assignments=(a_duty(), SUPPORT)), *dispatched("xj-medical")),
        view_of(major),
    )

    leaders = {"post-duty-leader", "post-centre-director", "post-deputy-head"}
    assert leaders == {n.order.recipient for n in first if n.order.purpose == "leaders"}
    assert {"xj-medical"} == {n.order.recipient for n in more}


def test_leaders_do_not_hear_of_an_ordinary_one() -> None:
    """R17 is for what the pack calls severe."""
    assert "leaders" not in {
        n.order.purpose.value for n in told(event(an_incident(), *dispatched("xj-rescue")))
    }


def test_leaders_get_the_area_and_never_the_place() -> None:
    """DOMAIN §7: the place is reduced to the grid for anyone but the assigned units."""
    order = order_to("post-duty-leader", event(an_incident(severity=1), *dispatched("xj-rescue")))

    assert "安洲街道" in order.text
    assert (PLACE not in order.text, order.place, order.longitude) == (True, "", None)


def test_a_shortfall_reaches_the_desk() -> None:
    """DOMAIN §5: a capability nobody on duty has is seen at the desk, by its name."""
    incident = an_incident()
    assert incident.decision is not None
    short = replace(incident, decision=replace(incident.decision, shortfalls=("hazmat",)))
    notices = told(event(short, ChangeKind.SHORTFALL))

    assert {("xj-desk", "webhook", "shortfall"), ("xj-desk", "sms", "shortfall")} == who(notices)
    assert "矿山危化救援" in notices[0].order.text


def test_a_unit_the_pack_does_not_know_is_the_desks_matter() -> None:
    """Never silence: without an endpoint of its own the desk gets the order."""
    stranger = replace(a_duty(), unit="xj-unheard-of")

    assert {"xj-desk"} == {
        n.order.recipient for n in told(event(an_incident(stranger), ChangeKind.DISPATCHED))
    }


def test_an_order_names_number_kind_area_place_and_limit() -> None:
    """R01 (county town, day): 20 minutes to arrive; short and clear."""
    order = order_to("xj-rescue", event(an_incident(), *dispatched("xj-rescue")))

    assert (
        f"【联动】处警：{NUMBER} 民房火灾3级 安洲街道 {PLACE}，请立即签收出动，20分钟内到场。"
        == order.text
    )


@pytest.mark.parametrize(
    ("relation", "limit"),
    [
        (Relation.OWN_SEAT, "，20分钟内到场"),
        (Relation.TOWN_TO_TOWNSHIP, "，15分钟内集结完毕"),
        (Relation.TOWNSHIP_TO_TOWNSHIP, ""),
        (Relation.OWN_TOWNSHIP_OUTSIDE_SEAT, ""),
    ],
)
def test_the_limit_said_is_the_one_that_will_be_judged(relation: Relation, limit: str) -> None:
    """R01-R04: arrival, assembly, or none at all; where S1 sets none, none is invented."""
    incident = an_incident(a_duty(relation=relation))

    assert order_to("xj-rescue", event(incident, *dispatched("xj-rescue"))).text.endswith(
        f"出动{limit}。"
    )


def test_an_exercise_says_so_in_its_first_word() -> None:
    """P32: nobody may take an exercise for real."""
    order = order_to("xj-rescue", event(an_incident(exercise=True), *dispatched("xj-rescue")))

    assert (True, True) == (order.text.startswith("【联动演练】"), order.exercise)


def test_no_order_holds_anything_of_the_caller() -> None:
    """Privacy: neither the caller's hash nor the call's own numbers leave the platform."""
    said = event(an_incident(a_duty(), STANDBY, severity=1), *dispatched("xj-rescue"))

    for notice in told(said):
        sent = msgspec.json.encode(notice.order).decode()
        assert CALLER_HASH not in sent
        assert str(ids.call_id("119", "1")) not in sent


def test_a_long_place_is_cut() -> None:
    """A text stays within three SMS parts; the order itself carries the whole place."""
    incident = an_incident()
    long = replace(incident, scene=replace(incident.scene, text="仙" * 200))
    order = order_to("xj-rescue", event(long, *dispatched("xj-rescue")))

    assert (True, 200) == (len(order.text) <= 201, len(order.place))


KINDS = st.sampled_from(
    [
        ChangeKind.DISPATCHED,
        ChangeKind.ACTIVATED,
        ChangeKind.REASSIGNED,
        ChangeKind.RELEASED,
        ChangeKind.CANCELLED,
        ChangeKind.REWORK,
        ChangeKind.SHORTFALL,
        ChangeKind.ACKED,
    ]
)
UNITS = ("xj-rescue", "xj-medical", "xj-militia", "xj-police")
DUTIES = st.lists(
    st.tuples(
        st.sampled_from(UNITS), st.sampled_from(list(Role)), st.sampled_from(list(AssignmentState))
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each[0],
)


@given(DUTIES, DUTIES, st.lists(st.tuples(KINDS, st.sampled_from(UNITS) | st.none()), max_size=6))
def test_nobody_is_told_twice_of_one_event_on_one_channel(
    before: list[tuple[str, Role, AssignmentState]],
    after: list[tuple[str, Role, AssignmentState]],
    changes: list[tuple[ChangeKind, str | None]],
) -> None:
    """§4.11: (cause, recipient, channel) is unique, whatever mixture of changes an event says."""
    old = an_incident(*(a_duty(*each) for each in before), severity=1)
    new = an_incident(*(a_duty(*each) for each in after), severity=1)
    said = event(new, *((kind, unit) if unit else kind for kind, unit in changes))
    notices = told(said, seen(None, old))

    keys = [(n.cause, n.order.recipient, n.order.channel) for n in notices]
    assert len(keys) == len(set(keys))
    assert {ids.notice_id(*key) for key in keys} == {n.order.notice_id for n in notices}
    for notice in notices:
        exact = notice.order.place != ""
        assert not exact or notice.order.purpose == "dispatch"


def test_the_same_event_makes_the_same_notices_again() -> None:
    """Replay-stable: the provider would see the same idempotency keys."""
    said = event(an_incident(), *dispatched("xj-rescue"))

    assert told(said) == told(said)
    assert occasion().cause == ids.event_id("router", INCIDENT, ord("1"))
    assert T0 == told(said)[0].order.queued_at
    assert "xianju" == PACK.region.code
