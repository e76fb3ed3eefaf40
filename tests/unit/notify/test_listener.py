"""What the handler does with a batch: who holds a notice, what waits, what is marked; no I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from msgspec.structs import replace

from services.notify.domain.line import Held
from services.notify.domain.notice import Notice, OpenNotice
from services.notify.domain.view import View
from services.notify.handlers import Listener
from services.notify.ports import Known
from shared.contracts.incident import (
    Assignment,
    AssignmentState,
    ChangeKind,
    IncidentEvent,
    Role,
    Stamp,
    StampKind,
)
from shared.contracts.notice import Purpose
from shared.contracts.sla import ClockChangeKind, SlaEvent
from shared.contracts.values import Lane
from shared.runtime.bus import Partition, Record
from shared.runtime.events import Event
from shared.runtime.store import Work
from tests.unit.notify.cases import (
    INCIDENT,
    PACK,
    T0,
    a_clock,
    a_duty,
    an_incident,
    assignment_of,
    clock_event,
    dispatched,
    event,
    minutes,
    view_of,
)

ME, OTHER = "1/me", "2/other"


@dataclass
class Stored:
    """What the ledger holds of the incident."""

    version: int = 1
    view: View | None = None
    queued: Sequence[OpenNotice] = ()


@dataclass
class FakeLedger:
    """The port `Ledger`, in memory."""

    stored: Stored = field(default_factory=Stored)
    owner: str = ME
    rows: dict[str, tuple[str, Notice]] = field(default_factory=dict)
    overtaken: dict[UUID, str] = field(default_factory=dict)
    taken_at: dict[UUID, datetime] = field(default_factory=dict)
    besides: set[UUID] = field(default_factory=set)
    there: set[UUID] = field(default_factory=set)
    opened: set[UUID] = field(default_factory=set)

    async def load(
        self, incidents: Collection[UUID], opened: Collection[UUID] = ()
    ) -> dict[UUID, Known]:
        self.opened = set(opened)
        return dict.fromkeys(incidents, self.stored)

    async def standing(self, notices: Collection[Notice]) -> set[UUID]:
        return self.there & {notice.order.notice_id for notice in notices}

    def save_view(self, work: Work, view: View, base: int) -> None:
        self.stored.view = view

    def queue(self, work: Work, notice: Notice, body: bytes, owner: str, why: str | None) -> None:
        self.rows[notice.order.channel] = owner, notice

    def overtake(self, work: Work, incident: UUID, reasons: Mapping[UUID, str]) -> None:
        self.overtaken |= reasons

    def taken(
        self, work: Work, incident: UUID, duties: Mapping[UUID, datetime], besides: Iterable[UUID]
    ) -> None:
        self.taken_at |= duties
        self.besides |= set(besides)

    def purge(self, work: Work, incident: UUID) -> None:
        raise AssertionError("nothing is purged here")

    def heard(self, work: Work, lane: Lane, event: UUID) -> None:
        raise AssertionError("no heartbeat here")


@dataclass
class FakeOffice:
    """The port `Office`: knows *known*, remembers what it was handed."""

    known: set[UUID] = field(default_factory=set)
    handed: list[Held] = field(default_factory=list)
    taken_out: dict[UUID, str] = field(default_factory=dict)
    has_room: bool = True

    def __contains__(self, notice_id: UUID) -> bool:
        return notice_id in self.known

    def accept(self, notices: Sequence[Held]) -> None:
        self.handed += notices

    def overtake(self, reasons: Mapping[UUID, str]) -> None:
        self.taken_out |= reasons


@dataclass
class FakeClock:
    """Platform time at production's speed."""

    at: datetime = T0
    speed: float = 1.0

    def now(self) -> datetime:
        return self.at


def came(said: IncidentEvent | SlaEvent) -> Event:
    """Return the event as the consumer hands it over."""
    of_incident = isinstance(said, IncidentEvent)
    topic = "incident.urgent.v1" if of_incident else "sla.urgent.v1"
    record = Record(Partition(topic, 0), 0, None, None, ())
    producer = "router" if of_incident else "sla"
    return Event(uuid4(), producer, "", "", INCIDENT, 1, T0, said, None, record)


async def heard(
    said: IncidentEvent | SlaEvent,
    ledger: FakeLedger,
    office: FakeOffice,
    age: timedelta = timedelta(),
) -> Work:
    """Hand one event to the handler and commit what it decided."""
    return await batch([came(said)], ledger, office, age)


async def batch(
    events: Sequence[Event], ledger: FakeLedger, office: FakeOffice, age: timedelta = timedelta()
) -> Work:
    """Hand *events* to the handler as one batch and commit what it decided."""
    work = Work()
    await Listener(PACK, ledger, office, FakeClock(T0 + age)).on_events(events, work)
    for action in work.on_commit:
        action()
    return work


def waiting(channel: str, owner: str, *, late: bool = False) -> OpenNotice:
    """Return an earlier notice of the rescue team that is not settled."""
    return OpenNotice(
        notice_id=uuid4(), recipient="xj-rescue", channel=channel, purpose=Purpose.LEADERS,
        owner=owner, late=late,
    )  # fmt: skip


ORDER = event(an_incident(), *dispatched("xj-rescue"))


async def test_an_incident_is_taken_for_new_at_its_first_version() -> None:
    """Then the ledger may leave the look-up to the guard; never where sla or a later version speaks first."""
    ledger, office = FakeLedger(), FakeOffice()
    later = event(an_incident(version=2), *dispatched("xj-rescue"))
    warned = clock_event(ClockChangeKind.WARNED, a_clock())
    opened = []
    batches: list[list[IncidentEvent | SlaEvent]] = [[ORDER, later], [later], [warned, ORDER]]
    for said in batches:
        await batch([came(each) for each in said], ledger, office)
        opened.append(ledger.opened)

    assert [{INCIDENT}, set(), set()] == opened


async def test_a_new_notice_goes_to_whoever_holds_the_one_before_it() -> None:
    """First in, first out per (incident, recipient), over processes; the other channel goes at once."""
    ledger = FakeLedger(Stored(queued=(waiting("sms", OTHER),)))
    office = FakeOffice()
    await heard(ORDER, ledger, office)

    assert {"sms": OTHER, "webhook": ME} == {c: owner for c, (owner, _) in ledger.rows.items()}
    assert ["webhook"] == [held.order.channel for held in office.handed]


async def test_behind_an_own_row_this_process_does_not_know_it_waits_in_the_ledger() -> None:
    """A commit whose answer was lost: both are found by the sweep, in order."""
    ledger, office = FakeLedger(Stored(queued=(waiting("sms", ME),))), FakeOffice()
    await heard(ORDER, ledger, office)

    assert (ME, ["webhook"]) == (ledger.rows["sms"][0], [h.order.channel for h in office.handed])


async def test_behind_an_own_row_in_hand_it_is_handed_over() -> None:
    """The line keeps the order."""
    before = waiting("sms", ME)
    ledger, office = FakeLedger(Stored(queued=(before,))), FakeOffice({before.notice_id})
    await heard(ORDER, ledger, office)

    assert {"sms", "webhook"} == {held.order.channel for held in office.handed}


async def test_an_order_does_not_wait_behind_what_waits_for_a_digest() -> None:
    """A late reminder stands in nobody's way."""
    ledger, office = FakeLedger(Stored(queued=(waiting("sms", "", late=True),))), FakeOffice()
    await heard(ORDER, ledger, office)

    assert {"sms", "webhook"} == {held.order.channel for held in office.handed}
    assert {ME} == {owner for owner, _ in ledger.rows.values()}


async def test_without_room_rows_are_nobodys() -> None:
    """They wait in the ledger for whoever has room."""
    ledger, office = FakeLedger(), FakeOffice(has_room=False)
    await heard(ORDER, ledger, office)

    assert ({""}, []) == ({owner for owner, _ in ledger.rows.values()}, office.handed)


async def test_a_late_reminder_is_given_to_no_sender() -> None:
    """DOMAIN §4: it waits for its recipient's digest; the order of the same age leaves."""
    ledger, office = FakeLedger(Stored(view=view_of())), FakeOffice()
    warned = clock_event(ClockChangeKind.WARNED, a_clock())
    await heard(warned, ledger, office, age=minutes(31))
    owner, notice = ledger.rows["webhook"]

    assert ("", True, []) == (owner, notice.late, office.handed)
    fresh, hands = FakeLedger(), FakeOffice()
    await heard(ORDER, fresh, hands, age=minutes(31))
    assert 2 == len(hands.handed)


async def test_a_drill_brought_to_a_stand_makes_nothing_late() -> None:
    """The end of a demo: half an hour of its day was two seconds of the wall."""
    ledger, office, clock = FakeLedger(Stored(view=view_of())), FakeOffice(), FakeClock(speed=720.0)
    listener = Listener(PACK, ledger, office, clock)
    await listener.on_events([came(ORDER)], Work())
    clock.speed, clock.at = 0.000001, T0 + minutes(90)
    warned = clock_event(ClockChangeKind.WARNED, a_clock())
    await listener.on_events([came(warned)], Work())

    assert not ledger.rows["webhook"][1].late
    assert Purpose.WARNING is ledger.rows["webhook"][1].order.purpose


async def test_what_a_release_overtakes_is_marked_and_taken_out() -> None:
    """Superseded rows are dropped before sending: in the ledger, and in the sender's hands."""
    order = replace(
        waiting("sms", ME), purpose=Purpose.DISPATCH, assignment_id=assignment_of("xj-rescue")
    )
    ledger, office = FakeLedger(Stored(view=view_of(), queued=(order,))), FakeOffice()
    released = an_incident(a_duty(state=AssignmentState.RELEASED), version=2)
    await heard(event(released, (ChangeKind.RELEASED, "xj-rescue")), ledger, office)

    assert {order.notice_id: "duty_over"} == ledger.overtaken == office.taken_out


def acked(unit: str = "xj-rescue", role: Role = Role.LEAD) -> Assignment:
    """Return the duty of *unit* once it took its order, a minute after it went out."""
    stamp = Stamp(kind=StampKind.ACKED, occurred_at=T0 + minutes(1), recorded_at=T0 + minutes(2))
    return replace(a_duty(unit, role), stamps=(stamp,), state=AssignmentState.ACKED)


async def test_when_a_unit_took_its_order_is_noted() -> None:
    """Row 6: at the unit's own stamp."""
    ledger = FakeLedger(Stored(view=view_of()))
    said = event(an_incident(acked(), version=2), (ChangeKind.ACKED, "xj-rescue"))
    await heard(said, ledger, FakeOffice())

    assert {assignment_of("xj-rescue"): T0 + minutes(1)} == ledger.taken_at


async def test_an_order_and_its_ack_in_one_batch_are_proof_too() -> None:
    """A backlog, parked feedback (§4.7): the row is not in the ledger yet when its ACK is read."""
    ledger, ack = (
        FakeLedger(),
        event(an_incident(acked(), version=2), (ChangeKind.ACKED, "xj-rescue")),
    )
    await batch([came(ORDER), came(ack)], ledger, FakeOffice())

    assert {(Purpose.DISPATCH, T0 + minutes(1))} == {
        (notice.order.purpose, notice.acknowledged_at)
        for _, notice in ledger.rows.values()
        if notice.order.recipient == "xj-rescue"
    }


async def test_an_ack_does_not_prove_the_order_it_brings_about() -> None:
    """Row 26: a standby's own ACK proves the call to stand by; the order with the place goes out after it."""
    standby = view_of(an_incident(a_duty(role=Role.STANDBY)))
    called_out = event(an_incident(acked(), version=2), (ChangeKind.ACTIVATED, "xj-rescue"))
    ledger = FakeLedger(Stored(view=standby))
    await heard(called_out, ledger, FakeOffice())

    assert {assignment_of("xj-rescue"): T0 + minutes(1)} == ledger.taken_at
    assert {None} == {notice.acknowledged_at for _, notice in ledger.rows.values()}


async def test_what_is_overtaken_costs_no_other_notice_its_proof() -> None:
    """One row cannot be marked twice in one statement: only that one is left out."""
    warning = replace(
        waiting("webhook", ME), purpose=Purpose.STANDBY, assignment_id=assignment_of("xj-militia")
    )
    ledger = FakeLedger(Stored(view=view_of(), queued=(warning,)))
    released = replace(a_duty("xj-militia"), state=AssignmentState.RELEASED)
    said = event(an_incident(acked(), released, version=2), (ChangeKind.ACKED, "xj-rescue"))
    await heard(said, ledger, FakeOffice())

    assert {warning.notice_id: "duty_over"} == ledger.overtaken
    assert ({assignment_of("xj-rescue"): T0 + minutes(1)}, {warning.notice_id}) == (
        ledger.taken_at,
        ledger.besides,
    )


async def test_a_reminder_that_stood_already_is_not_sent_again() -> None:
    """Offsets set back, marks gone: the row may be settled long ago, or another process's."""
    first, ledger = FakeOffice(), FakeLedger(Stored(view=view_of()))
    again = came(clock_event(ClockChangeKind.WARNED, a_clock()))
    await batch([again], ledger, first)
    ledger.there, ledger.rows = {held.notice_id for held in first.handed}, {}
    second = FakeOffice()
    await batch([again], ledger, second)

    assert first.handed
    assert ([], {}) == (second.handed, ledger.rows)
