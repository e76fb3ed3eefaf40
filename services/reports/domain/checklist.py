"""The five monthly ones 五个一 (P30): what the platform can prove of a month, blanks for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from services.reports.domain.facts import Population
from services.reports.domain.freezing import Revision
from services.reports.domain.heading import Heading, heading
from services.reports.domain.period import Period
from shared.contracts.pack import Pack

FORMULA = 1
LEDGER = "overdue"
"""The table whose stored copy is the month's ledger (台账): T5, case by case."""


class Duty(StrEnum):
    """The five, in the order of S3: 一月一排查、一台账、一例会、一交办、一通报."""

    CHECK = "check"
    LEDGER = "ledger"
    MEETING = "meeting"
    ASSIGNMENT = "assignment"
    BULLETIN = "bulletin"


class Proof(StrEnum):
    """What the platform knows of an item."""

    DONE = "done"
    NOT_DONE = "not_done"
    BY_HAND = "by_hand"


class Item(Struct, frozen=True, kw_only=True):
    """One of the five; `at` (region's zone) and `sha256` (hex) name what proves it."""

    id: Duty
    proof: Proof
    at: datetime | None = None
    revision: int | None = None
    sha256: str | None = None


class Checklist(Struct, frozen=True, kw_only=True):
    """A month's five items, always all of them."""

    heading: Heading
    items: list[Item]


def checklist(
    period: Period, population: Population, revisions: Sequence[Revision], pack: Pack
) -> Checklist:
    """Return the list of *period* from its stored revisions (freeze first, may be empty).

    Bulletin: the month was frozen. Ledger: the frozen month holds T5. Check, meeting and
    assignment (of unstable problems, not of calls) happen outside the platform: ticked by hand.
    """
    found = {
        Duty.BULLETIN: _proven(Duty.BULLETIN, "overview", period, population, revisions),
        Duty.LEDGER: _proven(Duty.LEDGER, LEDGER, period, population, revisions),
    }
    return Checklist(
        heading=heading("P30", FORMULA, period, population, pack),
        items=[found.get(each) or Item(id=each, proof=Proof.BY_HAND) for each in Duty],
    )


def _proven(
    duty: Duty,
    table: str,
    period: Period,
    population: Population,
    revisions: Sequence[Revision],
) -> Item:
    """Return the first stored copy of the table with all its cells."""
    for revision in revisions:
        for each in revision.sheets:
            sheet = each.sheet
            if (sheet.table, sheet.population, sheet.published) == (table, population, False):
                return Item(
                    id=duty,
                    proof=Proof.DONE,
                    at=revision.at.astimezone(period.zone),
                    revision=revision.number,
                    sha256=each.sha256,
                )
    return Item(id=duty, proof=Proof.NOT_DONE)
