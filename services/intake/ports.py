"""What intake needs from outside, in its own words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from services.intake.domain.cases import Case, CaseState
from services.intake.domain.contact import Contact
from services.intake.domain.revisions import Known
from shared.contracts.call import Call, CallRejected, UnitFeedback
from shared.contracts.values import Lane
from shared.runtime.store import Work


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call we have: what is known of its bodies, its lane (fixed), vault token and root number."""

    known: Known
    lane: Lane
    contact: str | None
    root: str


class Calls(Protocol):
    """The calls and their revisions."""

    async def load(self, call_ids: Iterable[UUID]) -> dict[UUID, StoredCall]:
        """Return those of *call_ids* that are known, in one look; raises Unavailable."""

    def save(self, work: Work, call: Call, *, base: int, known: Known) -> None:
        """Write *call* in *work*, guarded by the revision *base* that was read (0: new)."""


class FeedbackRecords(Protocol):
    """Units' records, each body once."""

    async def load(self, feedback_ids: Iterable[UUID]) -> set[UUID]:
        """Return those that are known; raises Unavailable."""

    def save(self, work: Work, feedback: UnitFeedback) -> None:
        """Write *feedback*, guarded: another that is there by then is found when decided again."""


class Rejections(Protocol):
    """Bodies that were refused."""

    async def load(self, rejection_ids: Iterable[UUID]) -> set[UUID]:
        """Return those already told of."""

    def save(self, work: Work, rejection_id: UUID, rejected: CallRejected) -> None:
        """Write one; one that is there already is left as it is."""


class Vault(Protocol):
    """Where contacts lie, each under a key of its own."""

    def keep(self, work: Work, call_id: UUID, token: str, contact: Contact) -> None:
        """Seal *contact* under *token* in *work*, in place of what an earlier revision left there."""

    def caller(self, contact: Contact) -> str | None:
        """Return the salted hash that the same caller has again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A call that need not be kept any more; `call` None where it is cleared already or never came."""

    call_id: UUID
    version: int
    call: Call | None
    token: UUID | None


class Cases(Protocol):
    """Which incidents speak of which calls."""

    async def load(self, call_ids: Iterable[UUID]) -> dict[Case, CaseState]:
        """Return what is known of *call_ids*; raises Unavailable."""

    def save(self, work: Work, case: Case, state: CaseState) -> None:
        """Write one; a state further on stays."""


class Retained(Protocol):
    """What is kept until its retention ends; each look returns a bounded batch."""

    async def ended(self) -> Sequence[Kept]:
        """Return calls whose incidents are all purged; raises Unavailable."""

    async def unopened(self, period: timedelta) -> Sequence[Kept]:
        """Return calls older than *period* of which no incident was heard; raises Unavailable."""

    def close_case(self, work: Work, call_id: UUID) -> None:
        """Note that nothing of the call is left to clear for the incidents purged so far."""

    def clear(self, work: Work, kept: Kept, left: Call) -> None:
        """Write *left* in place of the call, guarded; its contact's key and its records' docs go."""

    async def clear_records(self, period: timedelta) -> int:
        """Clear units' records older than *period* whose call is not kept; return how many."""
