"""What becomes of records that were read: load, judge, store, say; each for a whole group at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from msgspec import Struct

from services.intake.domain.handling import HandlingReading
from services.intake.domain.reading import Reading
from services.intake.domain.rejection import masked_fields
from services.intake.domain.revisions import NOTHING, Known, Outcome, judge
from services.intake.ports import Calls, FeedbackRecords, Rejections, StoredCall, Vault
from shared.contracts import ids
from shared.contracts.call import Call, CallChange, CallEvent, CallRejected, UnitFeedback
from shared.contracts.envelope import Message
from shared.contracts.pack import Source
from shared.contracts.problems import Problem
from shared.contracts.topics import lane_topic
from shared.contracts.values import Lane, Line, Producer
from shared.runtime.met import Met
from shared.runtime.store import Work

REJECTED_TOPIC, FEEDBACK_TOPIC = "call.rejected.v1", "unit.feedback.v1"


_UNTAKEN = {
    Outcome.CONFLICTING: str(Problem.CONFLICTING_BODY),
    Outcome.PURGED: str(Problem.PURGED),
}
"""Bodies that were read, and are not taken in all the same."""


class Handed(Struct, frozen=True):
    """How a body came in: from which source, its keyed digest, size and trace.

    `body` is None where it could not be read; it is never stored or said, only its field names.
    """

    source: Source
    digest: bytes
    body: Mapping[str, object] | None
    body_bytes: int
    exercise: bool
    trace: str


class HandedCall(Struct, frozen=True):
    """A call record or order that was read."""

    call_id: UUID
    reading: Reading
    handed: Handed


class HandedFeedback(Struct, frozen=True):
    """A handling record or feedback sheet that was read."""

    feedback_id: UUID
    reading: HandlingReading
    handed: Handed


class HandedRefusal(Struct, frozen=True):
    """A body that was refused, and why."""

    source_id: str | None
    reasons: tuple[str, ...]
    handed: Handed


class Answer(Struct, frozen=True):
    """What became of it; given only once that is durable."""

    outcome: Outcome
    record: UUID
    revision: int


@dataclass(frozen=True)
class Handlers:
    """The decisions of intake, each on a group of requests; `now` is platform time, UTC."""

    calls: Calls
    feedback: FeedbackRecords
    rejections: Rejections
    vault: Vault
    now: Callable[[], datetime]
    region: str
    met: Met = field(default_factory=Met)

    async def on_calls(self, group: Sequence[HandedCall], work: Work) -> list[Answer]:
        """Number each call's revisions in order and say each; the last one's state is stored.

        Calls nobody met before are taken to be new without a look: the guard of their insert
        proves it, and a lost one has them decided again, now as calls that were met.
        """
        wanted = {each.call_id for each in group}
        stored = {} if self.met.none_of(wanted) else await self.calls.load(wanted)
        self.met.found(wanted, known=bool(stored))
        folds: dict[UUID, _Fold] = {}
        answers, untaken = [], []
        for each in group:
            fold = folds.get(each.call_id) or _Fold(stored.get(each.call_id))
            folds[each.call_id] = fold
            answers.append(self._on_call(each, fold, work))
            if reason := _UNTAKEN.get(answers[-1].outcome):
                untaken.append(HandedRefusal(each.reading.source_id, (reason,), each.handed))
        if untaken:  # told to the desk as well: a changed body may be news of the emergency
            await self.on_refusals(untaken, work)
        for call_id, fold in folds.items():
            if fold.call is not None:
                self.calls.save(work, fold.call, base=fold.base, known=fold.known)
            if fold.kept is not None and fold.token is not None:
                self.vault.keep(work, call_id, fold.token, fold.kept.contact)
        return answers

    def _on_call(self, each: HandedCall, fold: _Fold, work: Work) -> Answer:
        handed = each.handed
        outcome, revision = judge(
            fold.known, handed.digest, strict=handed.source.strict, dated=each.reading.dated
        )
        if outcome in (Outcome.RECEIVED, Outcome.REVISED):
            call = self._call(each, revision, fold)
            fold.take(call, each.reading, handed.digest)
            change = CallChange.RECEIVED if outcome is Outcome.RECEIVED else CallChange.REVISED
            work.publish(_call_message(call, change, handed.trace))
        return Answer(outcome, each.call_id, revision)

    def _call(self, each: HandedCall, revision: int, fold: _Fold) -> Call:
        reading, handed = each.reading, each.handed
        if fold.token is None and not reading.contact.empty:
            fold.token = uuid4().hex
        return Call(
            call_id=each.call_id,
            source=handed.source.id,
            source_id=reading.source_id,
            root=reading.root,
            revision=revision,
            line=reading.line,
            # fixed by the first revision: a later one in another lane could overtake it
            lane=fold.lane or reading.lane,
            region=self.region,
            received_at=reading.received_at,
            recorded_at=self.now(),
            kind=reading.kind,
            severity=reading.severity,
            text=reading.text,
            place=reading.place,
            contact=fold.token,
            caller=self.vault.caller(reading.contact),
            hotline_limit=reading.hotline_limit,
            exercise=handed.exercise,
        )

    async def on_feedback(self, group: Sequence[HandedFeedback], work: Work) -> list[Answer]:
        """Say each unit's record once, keyed as the call it belongs to: its stamps are facts.

        What comes for a call whose retention has ended is not taken in; the desk is told.
        """
        known = await self.feedback.load({each.feedback_id for each in group})
        of = {each.feedback_id: _call_of(each) for each in group}
        calls = await self.calls.load(set(of.values()))
        answers, untaken = [], []
        for each in group:
            key = each.feedback_id
            call = calls.get(of[key])
            outcome = _of_record(call, repeated=key in known)
            answers.append(Answer(outcome, key, 1))
            if outcome is Outcome.PURGED:
                reason = (_UNTAKEN[outcome],)
                untaken.append(HandedRefusal(each.reading.record_id, reason, each.handed))
            elif outcome is Outcome.RECEIVED:
                known.add(key)
                root = call.root if call else each.reading.call_number
                said = self._feedback(each, of[key], root)
                self.feedback.save(work, said)
                work.publish(_feedback_message(said, each.handed))
        await self.on_refusals(untaken, work)
        return answers

    def _feedback(self, each: HandedFeedback, call_id: UUID, root: str) -> UnitFeedback:
        return UnitFeedback(
            feedback_id=each.feedback_id,
            source=each.handed.source.id,
            record_id=each.reading.record_id,
            call_id=call_id,
            root=root,
            unit=each.reading.unit,
            stamps=each.reading.stamps,
            sheet=each.reading.sheet,
            recorded_at=self.now(),
            exercise=each.handed.exercise,
        )

    async def on_refusals(self, group: Sequence[HandedRefusal], work: Work) -> list[None]:
        """Say each refused body once, masked: nothing that was sent is dropped in silence."""
        keyed = {_rejection_id(each): each for each in group}
        if not keyed:
            return []
        told = await self.rejections.load(keyed)
        for rejection_id, each in keyed.items():
            if rejection_id not in told:
                self._say_rejected(each, rejection_id, work)
        return [None] * len(group)

    def _say_rejected(self, refusal: HandedRefusal, rejection_id: UUID, work: Work) -> None:
        handed = refusal.handed
        rejected = CallRejected(
            source=handed.source.id,
            source_id=refusal.source_id,
            reasons=refusal.reasons,
            fields=masked_fields(handed.body),
            body_bytes=handed.body_bytes,
            rejected_at=self.now(),
        )
        self.rejections.save(work, rejection_id, rejected)
        work.publish(
            Message(
                topic=REJECTED_TOPIC,
                key=f"{rejected.source}/{rejected.source_id or rejection_id}",
                producer=Producer.INTAKE,
                family="rejection",
                change="rejected",
                aggregate=rejection_id,
                version=1,
                time=rejected.rejected_at,
                lane=Lane.ORDINARY,
                data=rejected,
                trace=handed.trace,
            )
        )


class _Fold:
    """One call through a group: where it stood, where it stands, what its vault record becomes."""

    def __init__(self, stored: StoredCall | None) -> None:
        self.known: Known = stored.known if stored else NOTHING
        self.base = self.known.revision
        self.lane: Lane | None = stored.lane if stored else None
        self.token: str | None = stored.contact if stored else None
        self.call: Call | None = None
        self.kept: Reading | None = None

    def take(self, call: Call, reading: Reading, digest: bytes) -> None:
        """Move on to *call*; a record without contact leaves what an earlier one left."""
        self.known, self.call, self.lane = self.known.with_body(digest), call, call.lane
        if not reading.contact.empty:
            self.kept = reading


def lane_of(source: Source) -> Lane:
    """Return the lane of what is not a call (a unit's record): a 12345 source's waits behind."""
    return Lane.ORDINARY if source.line is Line.GOVERNMENT else Lane.URGENT


def _of_record(call: StoredCall | None, *, repeated: bool) -> Outcome:
    if repeated:
        return Outcome.REPEATED
    return Outcome.PURGED if call and call.known.purged else Outcome.RECEIVED


def _call_of(each: HandedFeedback) -> UUID:
    return ids.call_id(each.handed.source.id, each.reading.call_number)


def _rejection_id(refusal: HandedRefusal) -> UUID:
    handed = refusal.handed
    return ids.rejection_id(handed.source.id, refusal.source_id or "", handed.digest.hex())


def _call_message(call: Call, change: CallChange, trace: str) -> Message:
    return Message(
        topic=lane_topic("call", call.lane),
        key=f"{call.source}/{call.root}",
        producer=Producer.INTAKE,
        family="call",
        change=change,
        aggregate=call.call_id,
        version=call.revision,
        time=call.recorded_at,
        lane=call.lane,
        data=CallEvent(call=call, change=change),
        trace=trace,
    )


def _feedback_message(said: UnitFeedback, handed: Handed) -> Message:
    return Message(
        topic=FEEDBACK_TOPIC,
        key=f"{said.source}/{said.root}",
        producer=Producer.INTAKE,
        family="feedback",
        change="reported",
        aggregate=said.feedback_id,
        version=1,
        time=said.recorded_at,
        lane=lane_of(handed.source),
        data=said,
        trace=handed.trace,
    )
