"""The group's decision on calls: what is looked up, and what a lost guard leads to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.domain.contact import Contact
from services.intake.domain.revisions import Known, Outcome
from services.intake.handlers import Handed, HandedCall, Handlers
from services.intake.ports import StoredCall
from shared.contracts import ids
from shared.contracts.call import Call
from shared.contracts.values import Lane
from shared.runtime.store import Work
from tests.builders import T0
from tests.unit.intake.records import a_record, hotline, reading


class Shelf:
    """Calls in memory, and how often they were looked for."""

    def __init__(self) -> None:
        self.stored: dict[UUID, StoredCall] = {}
        self.looks = 0
        self.saved: list[tuple[UUID, int]] = []

    async def load(self, call_ids: Iterable[UUID]) -> dict[UUID, StoredCall]:
        """Return those that are there."""
        self.looks += 1
        return {each: self.stored[each] for each in call_ids if each in self.stored}

    def save(self, _: Work, call: Call, *, base: int, known: Known) -> None:
        """Note the guard and keep it."""
        self.saved.append((call.call_id, base))
        self.stored[call.call_id] = StoredCall(known, Lane.URGENT, None, call.root)


class NoVault:
    """Keeps nothing."""

    def keep(self, work: Work, call_id: UUID, token: str, contact: Contact) -> None:
        """Leave it."""

    def caller(self, _: Contact) -> str | None:
        """Nobody."""
        return None


def handlers(shelf: Shelf) -> Handlers:
    """Return handlers over *shelf*."""
    nothing: Any = None
    return Handlers(shelf, nothing, nothing, NoVault(), _now, "xianju")


def _now() -> datetime:
    return T0


def handed(number: str, digest: bytes = b"d" * 16) -> HandedCall:
    """Return the record of *number* as a door hands it over."""
    body = a_record(jjdbh=number)
    source = hotline().source
    return HandedCall(
        ids.call_id(source.id, number),
        reading(body),
        Handed(source, digest, body, 100, exercise=False, trace=""),
    )


async def test_calls_nobody_met_are_stored_without_a_look() -> None:
    """One round trip: the insert is guarded by revision 0."""
    shelf = Shelf()
    deciding = handlers(shelf)
    await deciding.on_calls([handed("A1")], Work())
    answers = await deciding.on_calls([handed("A2"), handed("A3")], Work())

    assert 1 == shelf.looks
    assert [Outcome.RECEIVED] * 2 == [answer.outcome for answer in answers]
    assert [0, 0, 0] == [base for _, base in shelf.saved]


async def test_a_resend_is_looked_up() -> None:
    """The same body again is the same answer, not a lost guard."""
    shelf = Shelf()
    deciding = handlers(shelf)
    await deciding.on_calls([handed("A1")], Work())
    (answer,) = await deciding.on_calls([handed("A1")], Work())

    assert (Outcome.REPEATED, 2) == (answer.outcome, shelf.looks)


async def test_a_group_decided_again_is_looked_up() -> None:
    """What another process took in meanwhile is met the second time."""
    shelf = Shelf()
    deciding = handlers(shelf)
    await deciding.on_calls([handed("A1")], Work())
    call_id = handed("A2").call_id
    shelf.stored[call_id] = StoredCall(Known(1, b"d" * 16), Lane.URGENT, None, "A2")
    guessed = await deciding.on_calls([handed("A2")], Work())
    shelf.stored[call_id] = StoredCall(Known(1, b"d" * 16), Lane.URGENT, None, "A2")
    decided = await deciding.on_calls([handed("A2")], Work())

    assert [Outcome.RECEIVED, Outcome.REPEATED] == [g.outcome for g in (*guessed, *decided)]
