"""Freezing, revising, recomputing and comparing months: load, decide, store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from itertools import product
from typing import NamedTuple

import msgspec

from services.reports.domain.canonical import canonical, restored
from services.reports.domain.difference import Difference, differences, figures
from services.reports.domain.facts import Facts, Population
from services.reports.domain.freezing import (
    FreezeRefusal,
    FreezeRefused,
    FrozenFile,
    FrozenSheet,
    Revision,
    RevisionReason,
    Sheet,
    lacking,
    next_number,
    opens_at,
    refuse_freeze,
    refuse_revision,
)
from services.reports.domain.key_figures import FigureTable
from services.reports.domain.monthly import messages, monthly_figures
from services.reports.domain.overview import Overview
from services.reports.domain.period import Period
from services.reports.domain.report import Report
from services.reports.handlers import Question, Table, compute, gathered
from services.reports.ports import FactSource, MonthArchive, MonthFiles
from shared.contracts.envelope import Message
from shared.contracts.pack import Pack

SHEETS = [
    Sheet(table=table, population=population, published=published)
    for table, population, published in product(Table, Population, (False, True))
]
"""What a frozen month consists of."""
SAID: Mapping[Sheet, type[Report]] = {
    Sheet(table=table, population=population, published=True): kind
    for population in Population
    for table, kind in ((Table.OVERVIEW, Overview), (Table.FIGURES, FigureTable))
}
"""What of a frozen month is said on `stats.monthly`, as it may be published."""
LOOK_AGAIN_S = 0.2
_NAMED = 3


class Verdict(NamedTuple):
    """One recomputed table: its bytes are the stored ones, or why they may not be."""

    sheet: Sheet
    same: bool
    stored: str
    computed: str
    formula: tuple[int, int]


class FileVerdict(NamedTuple):
    """One file of facts and the SHA-256 (hex) it has, None: it cannot be written any more."""

    file: FrozenFile
    found: str | None


class Compared(NamedTuple):
    """One table of two versions of a month and the figures that differ."""

    sheet: Sheet
    found: list[Difference]


class Office:
    """Who keeps the months: facts in, stored tables and files of facts out."""

    def __init__(
        self, facts: FactSource, archive: MonthArchive, pack: Pack, files: MonthFiles
    ) -> None:
        self._facts = facts
        self._archive = archive
        self._pack = pack
        self._files = files

    async def caught_up(self, ends: Mapping[str, int], patience_s: float) -> None:
        """Wait until the facts have reached *ends*, next offsets by `<topic>/<partition>`.

        Raises FreezeRefused after *patience_s* seconds: what is said must be in the month.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_s
        while missing := lacking(await self._archive.offsets(), ends):
            if loop.time() >= until:
                raise FreezeRefused(FreezeRefusal.BEHIND, _behind(missing))
            await asyncio.sleep(LOOK_AGAIN_S)

    async def freeze(self, period: Period) -> Revision:
        """Freeze *period* as revision 0; raises FreezeRefused, Unavailable."""
        newest = await self._archive.revision(period.label)
        refusal = refuse_freeze(period, await self._archive.now(), newest)
        if refusal is FreezeRefusal.TOO_EARLY:
            local = opens_at(period).astimezone(period.zone)
            raise FreezeRefused(
                refusal, f"{period.label} may be frozen from {local:%Y-%m-%d %H:%M %Z}"
            )
        if refusal is not None:
            raise FreezeRefused(
                refusal, f"{period.label} stands: a correction is `revise {period.label}`"
            )
        return await self._set_down(period, newest, None)

    async def revise(self, period: Period, reason: RevisionReason) -> Revision:
        """Store *period* as it is now beside what was frozen; raises FreezeRefused, Unavailable."""
        newest = await self._archive.revision(period.label)
        changed = newest is not None and await self._changed(period, newest)
        refusal = refuse_revision(newest, changed=changed)
        if refusal is FreezeRefusal.NOT_FROZEN:
            raise not_frozen(period)
        if refusal is not None:
            raise FreezeRefused(refusal, f"{period.label} is what its newest revision says")
        return await self._set_down(period, newest, reason)

    async def recompute(self, period: Period, number: int | None = None) -> list[Verdict]:
        """Compute a stored month again as of its epoch and put back bytes that were deleted.

        With the pack it was computed with. Raises FreezeRefused, Unavailable.
        """
        revision = await self.known(period, number)
        stored_pack = await self._archive.body(revision.pack_sha256) or packed(self._pack)
        pack = _unpacked(stored_pack, revision)
        facts = await gathered(self._facts, period, as_of_epoch=revision.epoch)
        made = await asyncio.to_thread(_computed, facts, period, pack)
        verdicts = [verdict_of(frozen, made[str(frozen.sheet)]) for frozen in revision.sheets]
        same = {verdict.stored for verdict in verdicts if verdict.same}
        bodies = [each.body for each in made.values() if hash_of(each.body) in same]
        await self._archive.put_back([stored_pack, *bodies])
        return verdicts

    async def check_files(self, period: Period, number: int | None = None) -> list[FileVerdict]:
        """Compare a stored month's files with their hashes; lost or altered ones are written again.

        Raises FreezeRefused, Unavailable.
        """
        revision = await self.known(period, number)
        found = await self._files.hashes(revision)
        if all(found.get(file.kind) == file.sha256 for file in revision.files):
            return [FileVerdict(file, file.sha256) for file in revision.files]
        written = await self._files.write(period, revision.epoch)
        again = {file.kind: file.sha256 for file in written}
        return [FileVerdict(file, again.get(file.kind)) for file in revision.files]

    async def compare(
        self, period: Period, number: int = 0, other: int | None = None
    ) -> list[Compared]:
        """Compare revision *number* with *other*, None: with what the facts say now.

        Raises FreezeRefused, Unavailable.
        """
        before = await self._bodies(await self.known(period, number))
        if other is None:
            facts = await gathered(self._facts, period)
            made = await asyncio.to_thread(_computed, facts, period, self._pack)
            after = {name: each.body for name, each in made.items()}
        else:
            after = await self._bodies(await self.known(period, other))
        return [
            Compared(sheet, differences(figures(before[str(sheet)]), figures(after[str(sheet)])))
            for sheet in SHEETS
            # a table that came with a later version of the platform has nothing to compare with
            if str(sheet) in before and str(sheet) in after
        ]

    async def known(self, period: Period, number: int | None = None) -> Revision:
        """Return revision *number*, None: the newest; raises FreezeRefused."""
        found = await self._archive.revision(period.label, number)
        if found is not None:
            return found
        if number is not None and await self._archive.revision(period.label):
            raise FreezeRefused(
                FreezeRefusal.UNKNOWN_REVISION, f"{period.label} has no revision {number}"
            )
        raise not_frozen(period)

    async def stored(self, period: Period, number: int, sheet: Sheet) -> bytes:
        """Return the stored bytes of one table; raises FreezeRefused, Unavailable."""
        revision = await self.known(period, number)
        return await self._body(revision, sheet)

    async def _bodies(self, revision: Revision) -> dict[str, bytes]:
        return {
            str(each.sheet): await self._body(revision, each.sheet)
            for each in revision.sheets
            if not each.sheet.published
        }

    async def _body(self, revision: Revision, sheet: Sheet) -> bytes:
        frozen = next((each for each in revision.sheets if each.sheet == sheet), None)
        if frozen is None:
            raise FreezeRefused(
                FreezeRefusal.UNKNOWN_TABLE,
                f"revision {revision.number} of {revision.month} has no {sheet}",
            )
        body = await self._archive.body(frozen.sha256)
        if body is None:
            raise FreezeRefused(
                FreezeRefusal.BODY_DELETED,
                f"{sheet} of {revision.month} was deleted: `recompute {revision.month} "
                f"--revision {revision.number}` puts it back",
            )
        return body

    async def _changed(self, period: Period, newest: Revision) -> bool:
        facts = await gathered(self._facts, period)
        made = await asyncio.to_thread(_computed, facts, period, self._pack)
        return any(
            hash_of(made[str(frozen.sheet)].body) != frozen.sha256 for frozen in newest.sheets
        )

    async def _set_down(
        self, period: Period, newest: Revision | None, reason: RevisionReason | None
    ) -> Revision:
        """End the epoch, compute from what it ended with, store; an unused epoch's end is harmless."""
        end = await self._archive.end_epoch()
        files = await self._files.write(period, end.number)
        facts = await gathered(self._facts, period, as_of_epoch=end.number)
        made = await asyncio.to_thread(_computed, facts, period, self._pack)
        pack = packed(self._pack)
        revision = Revision(
            month=period.label,
            number=next_number(newest),
            at=end.at,
            reason=reason,
            epoch=end.number,
            offsets=end.offsets,
            pack_stamp=self._pack.stamp,
            pack_sha256=hash_of(pack),
            sheets=[
                FrozenSheet(sheet=s.sheet, formula=s.formula, sha256=hash_of(s.body))
                for s in made.values()
            ],
            files=files,
        )
        said = await self._said(revision, newest, made)
        bodies = [pack, *(s.body for s in made.values())]
        if not await self._archive.keep(revision, bodies, said):
            raise FreezeRefused(
                FreezeRefusal.ALREADY_FROZEN if newest is None else FreezeRefusal.OVERTAKEN,
                f"another stored revision {revision.number} of {period.label} meanwhile",
            )
        return revision

    async def _said(
        self, revision: Revision, newest: Revision | None, made: Mapping[str, Made]
    ) -> list[Message]:
        """Return what goes to `stats.monthly`; a figure that *newest* had and this lacks ends."""
        tables = [restored(made[str(sheet)].body, kind) for sheet, kind in SAID.items()]
        before: list[str] = []
        for frozen in newest.sheets if newest is not None else ():
            kind = SAID.get(frozen.sheet)
            body = await self._archive.body(frozen.sha256) if kind is not None else None
            if body is not None and kind is not None:
                earlier = monthly_figures([restored(body, kind)], revision, self._pack)
                before += [each.name for each in earlier]
        return messages(monthly_figures(tables, revision, self._pack), revision, self._pack, before)


class Made(NamedTuple):
    """One computed table: version of its formula, its JSON."""

    sheet: Sheet
    formula: int
    body: bytes


def _computed(facts: Facts, period: Period, pack: Pack) -> dict[str, Made]:
    made = {}
    for sheet in SHEETS:
        question = Question(Table(sheet.table), period, sheet.population, sheet.published)
        table = compute(question, facts, pack)
        made[str(sheet)] = Made(sheet, table.heading.formula, canonical(table))
    return made


def verdict_of(frozen: FrozenSheet, made: Made) -> Verdict:
    """Compare a stored table with *made*."""
    computed = hash_of(made.body)
    formulas = (frozen.formula, made.formula)
    return Verdict(frozen.sheet, computed == frozen.sha256, frozen.sha256, computed, formulas)


def packed(pack: Pack) -> bytes:
    """Return the JSON a region pack is kept as."""
    return msgspec.json.encode(pack, order="deterministic")


def _unpacked(stored: bytes, revision: Revision) -> Pack:
    """Return the pack *revision* was computed with; raises FreezeRefused."""
    if hash_of(stored) != revision.pack_sha256:
        raise FreezeRefused(
            FreezeRefusal.PACK_DELETED,
            f"{revision.month} needs region pack {revision.pack_stamp}: check it out and repeat",
        )
    try:
        return msgspec.json.decode(stored, type=Pack)
    except msgspec.ValidationError as error:
        raise FreezeRefused(
            FreezeRefusal.PACK_UNREADABLE,
            f"region pack {revision.pack_stamp} was stored by another version of the platform "
            f"({error}): recompute {revision.month} with that version",
        ) from None


def _behind(missing: Mapping[str, int]) -> str:
    places = ", ".join(f"{place} {count}" for place, count in list(missing.items())[:_NAMED])
    more = f" and {len(missing) - _NAMED} more partitions" if len(missing) > _NAMED else ""
    return (
        f"{sum(missing.values())} events are not facts yet ({places}{more}): reports has to be "
        "running; repeat when liandong_consumer_lag at its /metrics is 0, or wait longer with --wait SECONDS"
    )


def hash_of(body: bytes) -> str:
    """Return the SHA-256 (hex) of *body*."""
    return sha256(body).hexdigest()


def not_frozen(period: Period) -> FreezeRefused:
    """Return the refusal of a month that nobody froze."""
    return FreezeRefused(
        FreezeRefusal.NOT_FROZEN, f"{period.label} is not frozen: `freeze {period.label}` first"
    )
