"""Follows every id that was answered 202 to the provider's own receipt: what got lost, what came double.

Nothing here assumes that a stage did its work: each stage's own record is looked up. A notice the
provider saw twice under one id is not double (it must answer again and do it once); two notices
for one duty and cause would be.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from deploy.local.records import (
    Journal,
    LedgerRow,
    Records,
    SeenNotice,
    SentCall,
    SentCommand,
)
from shared.contracts.incident import Assignment, AssignmentState, Incident, Origin, StampKind
from shared.contracts.notice import NoticeState, Purpose

CHANNELS = ("sms", "webhook")
"""R12: an order goes on two channels at the same time."""

_MOVED = frozenset(
    {
        AssignmentState.RELEASED,
        AssignmentState.RETURNED,
        AssignmentState.REASSIGNED,
        AssignmentState.REDUNDANT,
    }
)
_TAKEN = frozenset({"accepted", "repeated"})
_REACHED = frozenset({NoticeState.DELIVERED, NoticeState.ACKNOWLEDGED})


@dataclass(frozen=True, order=True)
class Offence:
    """An id that did not come through exactly once: where it was seen last, what is wrong."""

    stage: str
    what: str
    id: str


@dataclass(frozen=True)
class Trail:
    """What following every id found."""

    lost: tuple[Offence, ...]
    doubled: tuple[Offence, ...]


def follow(journal: Journal, records: Records) -> Trail:
    """Follow every accepted call of *journal* through *records* and back to the journal's receipts."""
    homes = _homes(records.incidents.values())
    ledger = _orders(records.ledger)
    lost = [
        *_failed(journal),
        *_calls_lost(journal, records.calls, homes),
        *_feedback_lost(journal, records),
        *(
            offence
            for incident in records.incidents.values()
            for offence in _duties_lost(incident, ledger, journal.notices)
        ),
        *_never_seen(records.ledger, journal.notices),
    ]
    doubled = [
        *_numbered_twice(journal),
        *(Offence("router", "call in two incidents", str(c)) for c, at in homes.items() if at > 1),
        *(o for incident in records.incidents.values() for o in _two_duties(incident)),
        *_told_twice(records, ledger),
        *_ledger_twice(records.ledger),
    ]
    return Trail(tuple(sorted(set(lost))), tuple(sorted(set(doubled))))


def _failed(journal: Journal) -> Iterator[Offence]:
    for call in journal.calls.values():
        if call.answered == "failed":
            yield Offence("door", f"no answer, last status {call.status}", call.name)
        elif not call.expected:
            yield Offence("door", f"answered {call.answered} {call.status}", call.name)


def _calls_lost(
    journal: Journal, stored: frozenset[UUID], homes: Mapping[UUID, int]
) -> Iterator[Offence]:
    for call in journal.calls.values():
        if call.answered not in _TAKEN or call.feed != "calls":
            continue
        if call.call_id is None:
            yield Offence("intake", "accepted without an id", call.name)
        elif call.call_id not in stored:
            yield Offence("intake", "no call row", str(call.call_id))
        elif call.call_id not in homes:
            yield Offence("router", "in no incident", str(call.call_id))


def _feedback_lost(journal: Journal, records: Records) -> Iterator[Offence]:
    """A unit's record must be stored, and not still wait for a call that has come long since."""
    sent: list[SentCall | SentCommand] = [*journal.calls.values(), *journal.commands.values()]
    for each in sent:
        if each.feedback_id is None or each.answered not in _TAKEN:
            continue
        if each.feedback_id not in records.feedback:
            yield Offence("intake", "no feedback row", str(each.feedback_id))
        elif each.feedback_id in records.parked:
            yield Offence("router", "feedback still parked", str(each.feedback_id))


def _homes(incidents: Iterable[Incident]) -> dict[UUID, int]:
    """Count the incidents each call stands in; a merged one only points at where its calls went."""
    found: Counter[UUID] = Counter()
    for incident in incidents:
        if incident.merged_into is None:
            found.update(call.call_id for call in incident.calls)
    return dict(found)


Orders = Mapping[tuple[UUID, str], Sequence[LedgerRow]]
"""Rows that order a unit out, by assignment and channel."""


def _orders(ledger: Sequence[LedgerRow]) -> Orders:
    found: dict[tuple[UUID, str], list[LedgerRow]] = defaultdict(list)
    for row in ledger:
        if row.purpose == Purpose.DISPATCH and row.assignment_id is not None:
            found[row.assignment_id, row.channel].append(row)
    return found


def _duties_lost(
    incident: Incident, ledger: Orders, seen: Mapping[UUID, SeenNotice]
) -> Iterator[Offence]:
    """Every unit that was sent must have been told on both channels; nobody sent at all is worse."""
    sent = [a for a in incident.assignments if a.stamp(StampKind.SENT) is not None]
    if not sent:
        yield Offence("router", "nobody was sent", str(incident.incident_id))
    for duty in sent:
        if duty.origin is Origin.SELF_DISPATCHED:
            continue
        for channel in CHANNELS:
            rows = ledger.get((duty.assignment_id, channel), ())
            if not rows:
                yield Offence("notify", f"no order by {channel}", str(duty.assignment_id))
            elif not any(_settled(row, seen) for row in rows):
                yield Offence("provider", f"never told by {channel}", str(duty.assignment_id))


def _settled(row: LedgerRow, seen: Mapping[UUID, SeenNotice]) -> bool:
    """Say whether the provider has the order, or it was overtaken before it was sent."""
    receipt = seen.get(row.notice_id)
    return row.state == NoticeState.SUPERSEDED or (receipt is not None and receipt.accepted)


def _never_seen(ledger: Sequence[LedgerRow], seen: Mapping[UUID, SeenNotice]) -> Iterator[Offence]:
    for row in ledger:
        receipt = seen.get(row.notice_id)
        if row.state in _REACHED and (receipt is None or not receipt.accepted):
            yield Offence("provider", f"{row.state} without a receipt", str(row.notice_id))


def _numbered_twice(journal: Journal) -> Iterator[Offence]:
    ids: dict[tuple[str, str], set[UUID]] = defaultdict(set)
    for call in journal.calls.values():
        if call.number is not None and call.call_id is not None:
            ids[call.source, call.number].add(call.call_id)
    for (_, number), found in ids.items():
        if len(found) > 1:
            yield Offence("intake", "one record, two calls", number)


def _two_duties(incident: Incident) -> Iterator[Offence]:
    live = Counter(a.unit for a in incident.assignments if a.state not in _MOVED)
    for unit, times in live.items():
        if times > 1:
            yield Offence("router", f"{unit} sent twice", str(incident.incident_id))


def _told_twice(records: Records, ledger: Orders) -> Iterator[Offence]:
    """A duty is ordered once, and once more for each time it was taken up again (rework, reopening)."""
    duties = {a.assignment_id: (a, i) for i in records.incidents.values() for a in i.assignments}
    for (assignment, channel), rows in ledger.items():
        known = duties.get(assignment)
        if len(rows) > (_owed(*known) if known else 1):
            yield Offence("notify", f"ordered {len(rows)} times by {channel}", str(assignment))


def _owed(duty: Assignment, incident: Incident) -> int:
    return 1 + duty.rework + incident.reopened


def _ledger_twice(ledger: Sequence[LedgerRow]) -> Iterator[Offence]:
    for (_, recipient, channel), times in Counter(
        (row.cause, row.recipient, row.channel) for row in ledger
    ).items():
        if times > 1:
            yield Offence("notify", f"one cause, {times} rows by {channel}", recipient)
