"""What a bureau signs: bulletin, daily report, monthly checklist, assessment; facts loaded, then computed."""

from __future__ import annotations

import asyncio

from services.reports.domain.assessment import AssessmentTable, assessment
from services.reports.domain.bulletin import Bulletin, bulletin
from services.reports.domain.checklist import Checklist, checklist
from services.reports.domain.daily import Daily, daily
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Population
from services.reports.domain.period import Period
from services.reports.handlers import Table, gathered
from services.reports.ports import FactSource, MonthArchive
from shared.contracts.pack import Pack

MOST_REVISIONS = 200
"""Of a month that are looked through for the checklist's proof."""


class Papers:
    """Computes papers from *facts* and what *archive* keeps; all raise Unavailable."""

    def __init__(self, facts: FactSource, archive: MonthArchive, pack: Pack) -> None:
        self._facts = facts
        self._archive = archive
        self._pack = pack

    async def bulletin(
        self, period: Period, population: Population, *, published: bool
    ) -> Bulletin:
        """Compute T9 of a quarter, T10 of a half-year or year; raises NoBulletin."""
        last_year = year_before(period)
        known = (
            await self._facts.of(period),
            await self._facts.of(period_before(period)),
            await self._facts.of(last_year) if last_year else None,
        )
        # arithmetic over a period's rows must not hold up the consumer's loop
        return await asyncio.to_thread(
            bulletin, known, period, population, self._pack, published=published
        )

    async def daily(self, period: Period, population: Population) -> Daily:
        """Compute the daily report; raises NoDaily."""
        found = await gathered(self._facts, period, [Table.OVERVIEW])
        return await asyncio.to_thread(daily, found, period, population, self._pack)

    async def checklist(self, period: Period, population: Population) -> Checklist:
        """Return the five monthly duties with what proves them."""
        found = await self._archive.revisions(period.label, after=-1, limit=MOST_REVISIONS)
        return checklist(period, population, found, self._pack)

    async def assessment(self, period: Period, population: Population) -> AssessmentTable:
        """Score the units; the month before gives the classes, as it was frozen where it was."""
        before = period_before(period)
        frozen = await self._archive.revision(before.label, 0)
        earlier = await self._facts.of(before, as_of_epoch=frozen.epoch if frozen else None)
        now = await self._facts.of(period)
        periods = (period, before)
        return await asyncio.to_thread(assessment, now, earlier, periods, population, self._pack)
