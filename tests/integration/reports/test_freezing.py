"""Frozen months on a real database: as of their freeze for ever, corrections beside them."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from services.reports.adapters import month_sets
from services.reports.adapters.fact_reading import FactReader
from services.reports.adapters.frozen_months import FrozenMonths
from services.reports.adapters.month_files import MonthFiles
from services.reports.adapters.parquet_files import months_of
from services.reports.domain.canonical import canonical, restored
from services.reports.domain.difference import Figure
from services.reports.domain.facts import Population
from services.reports.domain.freezing import (
    FreezeRefusal,
    FreezeRefused,
    FrozenSheet,
    Revision,
    RevisionReason,
    Sheet,
    opens_at,
)
from services.reports.domain.overview import Overview
from services.reports.freeze_handlers import SHEETS, Office
from services.reports.handlers import Question, Table, answer
from shared.contracts.incident import IncidentState
from shared.contracts.pack import Pack
from shared.contracts.sla import ClockKind
from shared.contracts.values import Line
from shared.runtime.database import Database
from shared.runtime.kafka import bounds_of
from tests.engine import rows, until
from tests.integration.reports import said
from tests.integration.reports.stage import Stage
from tests.unit.reports.cases import NOVEMBER, T0, xianju

pytestmark = pytest.mark.infrastructure

UNIT = "xj-traffic"
READY = opens_at(NOVEMBER)
TWENTY = timedelta(minutes=20)
LATE = RevisionReason.LATE_EVENTS


def office(stage: Stage, database: Database | None = None, *, pack: Pack | None = None) -> Office:
    """Return the office of the stage's schema."""
    own = database or stage.database
    return Office(FactReader(own), FrozenMonths(own), pack or xianju(), stage.files)


def renamed() -> Pack:
    """Return the pack after the county took another name."""
    return replace(xianju(), region=replace(xianju().region, name="别县", version="2027.01"))


async def at(stage: Stage, now: datetime) -> None:
    """Let platform time be *now*, going on from there."""
    await rows(
        stage.admin, "update platform.clock set origin = $1, started = clock_timestamp()", now
    )


async def fed(stage: Stage, *events: Any, before: int = 0) -> None:
    """Say *events* and wait until they are facts, *before* having been said earlier."""
    await stage.say(*events)
    async with stage.listening():
        await stage.heard(before + len(events))


def first() -> list[Any]:
    """Return two collisions, one reached late, as November knew them."""
    late = said.clock(1, UNIT, ClockKind.ARRIVAL, T0, TWENTY, timedelta(minutes=25))
    return [
        said.call(1, T0),
        said.call(2, T0),
        said.incident(1, T0),
        said.incident(2, T0),
        said.clocks(1, T0, late),
    ]


def later() -> list[Any]:
    """Return what came after the freeze: a corrected arrival, a call found to be invalid."""
    in_time = said.clock(1, UNIT, ClockKind.ARRIVAL, T0, TWENTY, timedelta(minutes=15))
    return [
        said.clocks(1, T0, in_time, version=2),
        said.incident(2, T0, version=2, state=IncidentState.INVALID),
    ]


async def frozen(stage: Stage) -> Office:
    """Return the office after November was frozen and corrected facts came in."""
    await fed(stage, *first())
    await at(stage, READY)
    found = office(stage)
    await found.freeze(NOVEMBER)
    await fed(stage, *later(), before=len(first()))
    return found


async def test_a_month_is_not_frozen_before_t_plus_3(stage: Stage) -> None:
    """By platform time: a minute too early is refused by name and leaves the epoch open."""
    await at(stage, READY - timedelta(minutes=1))

    with pytest.raises(FreezeRefused) as refused:
        await office(stage).freeze(NOVEMBER)

    assert FreezeRefusal.TOO_EARLY is refused.value.reason
    assert [1] == [r["number"] for r in await stage.rows("select number from epoch")]


async def test_a_month_is_frozen_once(stage: Stage) -> None:
    """A second freeze is refused by name; the first keeps its offsets and hashes."""
    found = await frozen(stage)
    before = await found.known(NOVEMBER)

    with pytest.raises(FreezeRefused) as refused:
        await found.freeze(NOVEMBER)

    assert FreezeRefusal.ALREADY_FROZEN is refused.value.reason
    assert before == await found.known(NOVEMBER)
    assert len(first()) == sum(before.offsets.values())


async def test_two_at_once_freeze_once(stage: Stage) -> None:
    """Of two freezes at the same time one wins, the other is refused by name."""
    await fed(stage, *first())
    await at(stage, READY)
    one, two = office(stage), office(stage)

    answers = await asyncio.gather(
        one.freeze(NOVEMBER), two.freeze(NOVEMBER), return_exceptions=True
    )

    refused = [a.reason for a in answers if isinstance(a, FreezeRefused)]
    assert [FreezeRefusal.ALREADY_FROZEN] == refused
    assert [(0,)] == [tuple(r) for r in await stage.rows("select revision from frozen_month")]


async def test_recomputed_after_later_facts_gives_the_same_bytes(stage: Stage) -> None:
    """As of the freeze: only facts of its epoch or earlier ones are read."""
    found = await frozen(stage)

    verdicts = await found.recompute(NOVEMBER, 0)

    assert len(SHEETS) == len(verdicts)
    assert [] == [str(v.sheet) for v in verdicts if not v.same]


async def test_what_a_month_is_compared_with_is_frozen_too(stage: Stage) -> None:
    """T2 of November shows October as of November's freeze, whatever October learns later."""
    october = datetime(2026, 10, 5, tzinfo=UTC)
    await fed(stage, *first(), said.call("october", october))
    await at(stage, READY)
    found = office(stage)
    await found.freeze(NOVEMBER)
    await fed(stage, said.call("late", october), before=len(first()) + 1)

    verdicts = await found.recompute(NOVEMBER, 0)
    compared = {str(c.sheet): c.found for c in await found.compare(NOVEMBER)}

    assert [] == [str(v.sheet) for v in verdicts if not v.same]
    before = {d.path: (d.before, d.after) for d in compared["categories/real"]}
    assert (Figure(1), Figure(2)) == before["total/before"]
    assert ["opening"] == sorted({d.path.split("/")[0] for d in compared["overview/real"]})


async def test_a_deleted_month_comes_back_byte_for_byte(stage: Stage) -> None:
    """All stored bytes deleted, later facts in: recompute puts the same ones back."""
    found = await frozen(stage)
    kept = "select sha256, body from frozen_body order by sha256"
    before = [tuple(r) for r in await stage.rows(kept)]
    await stage.database.write("delete from frozen_body")

    await found.recompute(NOVEMBER, 0)

    assert before
    assert before == [tuple(r) for r in await stage.rows(kept)]


async def test_a_newer_pack_changes_no_frozen_byte(stage: Stage) -> None:
    """Names and categories are those of the pack the month was frozen with."""
    await frozen(stage)

    verdicts = await office(stage, pack=renamed()).recompute(NOVEMBER, 0)

    assert [] == [str(v.sheet) for v in verdicts if not v.same]


async def test_a_pack_that_is_gone_is_named(stage: Stage) -> None:
    """Stored pack deleted and another one in use: refused by name rather than computed wrongly."""
    await frozen(stage)
    await stage.database.write("delete from frozen_body")

    with pytest.raises(FreezeRefused, match=re.escape(xianju().stamp)) as refused:
        await office(stage, pack=renamed()).recompute(NOVEMBER, 0)

    assert FreezeRefusal.PACK_DELETED is refused.value.reason


async def test_a_pack_of_another_version_is_named(stage: Stage) -> None:
    """A stored pack this version cannot read is refused by name, not guessed."""
    await at(stage, READY)
    foreign = b'{"region":{}}'
    archive = FrozenMonths(stage.database)
    end = await archive.end_epoch()
    revision = Revision(
        month=NOVEMBER.label,
        number=0,
        at=end.at,
        reason=None,
        epoch=end.number,
        offsets=end.offsets,
        pack_stamp="2020.01+0",
        pack_sha256=sha256(foreign).hexdigest(),
        sheets=[
            FrozenSheet(
                sheet=Sheet(table="overview", population=Population.REAL, published=False),
                formula=1,
                sha256=sha256(b"").hexdigest(),
            )
        ],
    )
    assert await archive.keep(revision, [foreign])

    with pytest.raises(FreezeRefused) as refused:
        await office(stage).recompute(NOVEMBER, 0)

    assert FreezeRefusal.PACK_UNREADABLE is refused.value.reason


async def test_an_older_version_after_a_freeze_changes_no_figure(stage: Stage) -> None:
    """A zombie's late event (rule 5) opens a row of the new epoch and still does not win."""
    await fed(stage, said.call(1, T0, revision=2))
    await at(stage, READY)
    found = office(stage)
    await found.freeze(NOVEMBER)
    await stage.forget_marks()

    await fed(stage, said.call(1, T0, revision=1, line=Line.FIRE), before=1)

    assert [1, 2] == sorted(r["epoch"] for r in await stage.rows("select epoch from call_fact"))
    assert [] == [d for compared in await found.compare(NOVEMBER) for d in compared.found]


async def test_a_freeze_keeps_its_facts_as_files(stage: Stage) -> None:
    """Parquet beside the tables, hash in the database; lost ones come back byte for byte."""
    found = await frozen(stage)
    revision = await found.known(NOVEMBER)
    rows_of = {file.kind: file.rows for file in revision.files}
    calls = next(file for file in revision.files if file.kind == "calls")
    path = stage.files.path(NOVEMBER.label, calls)
    before = path.read_bytes()
    path.unlink()

    verdicts = await found.check_files(NOVEMBER)

    assert (2, 2, 1) == (rows_of["calls"], rows_of["incidents"], rows_of["clocks"])
    assert [each.file.sha256 for each in verdicts] == [each.found for each in verdicts]
    assert calls.sha256 == sha256(before).hexdigest()
    assert before == path.read_bytes()


async def test_the_frozen_files_count_what_the_frozen_tables_say(stage: Stage) -> None:
    """Whatever comes later: T1 and T3 of the files are those of the freeze."""
    found = await frozen(stage)
    revision = await found.known(NOVEMBER)

    with month_sets.opened() as db:
        months = months_of(db, stage.months, NOVEMBER.label, revision.files)
        pack, cut = xianju(), NOVEMBER.end
        units = month_sets.unit_table(months, NOVEMBER, Population.REAL, pack, cut)
        first = month_sets.overview(months, NOVEMBER, Population.REAL, pack)

    stored = {
        name: await found.stored(
            NOVEMBER, 0, Sheet(table=name, population=Population.REAL, published=False)
        )
        for name in ("units", "overview")
    }
    assert stored["units"] == canonical(units)
    assert first == replace(restored(stored["overview"], Overview), opening=None)


@pytest.mark.parametrize("table", [Table.OVERVIEW, Table.CATEGORIES, Table.UNITS, Table.TIERS])
async def test_a_large_month_is_counted_by_sets_and_says_the_same(
    table: Table, stage: Stage
) -> None:
    """From LARGE facts on PostgreSQL's rows come through Arrow; no byte of the table differs."""
    await fed(stage, *first())
    question = Question(table, NOVEMBER, Population.REAL, published=True)
    small, large = stage.files, MonthFiles(stage.database, stage.months, large=1)

    by_sets = await large.table(question, xianju())

    assert (False, True) == (await small.counts(question), await large.counts(question))
    assert canonical(await answer(question, stage.reader, xianju())) == canonical(by_sets)


async def test_a_freeze_waits_for_what_was_said_before(stage: Stage) -> None:
    """Events on the topics that are no facts yet: refused by name, with how many and what to do."""
    await fed(stage, *first())
    await stage.say(said.call("later", T0))
    ends = {
        f"{p.topic}/{p.number}": at.end
        for p, at in (await bounds_of(stage.kafka, [stage.topic])).items()
    }

    with pytest.raises(FreezeRefused, match=r"1 events are not facts yet .* --wait") as refused:
        await office(stage).caught_up(ends, 0)
    async with stage.listening():
        await office(stage).caught_up(ends, 10)

    assert FreezeRefusal.BEHIND is refused.value.reason


async def test_recompute_says_which_table_differs(stage: Stage) -> None:
    """A fact altered behind the epoch's back: the tables that rest on it are named."""
    found = await frozen(stage)
    await rows(stage.admin, "update reports.clock_fact set stopped = due where epoch = 1")

    verdicts = await found.recompute(NOVEMBER, 0)

    assert [
        "figures/real",
        "figures/real/published",
        "overdue/real",
        "overdue/real/published",
        "units/real",
        "units/real/published",
    ] == [str(v.sheet) for v in verdicts if not v.same]


async def test_diff_shows_exactly_the_changed_figures(stage: Stage) -> None:
    """One call less is valid, one arrival more in time: those figures, with both values."""
    found = await frozen(stage)

    compared = {str(c.sheet): c.found for c in await found.compare(NOVEMBER)}

    overview = {d.path: (d.before, d.after) for d in compared["overview/real"]}
    assert (Figure(2), Figure(1)) == overview["valid"]
    assert (Figure(100.0, 2, 2), Figure(50.0, 1, 2)) == overview["valid_rate"]
    assert (Figure(2), Figure(1)) == overview["by_row/traffic/count"]
    assert {"received", "duplicate", "by_hour/09/count"}.isdisjoint(overview)
    units = {d.path: (d.before, d.after) for d in compared["units/real"]}
    spread = ("mean_s", "p50_s", "p90_s", "p95_s", "max_s")
    changed = {"on_time", "late", "rate", *(f"spread/{name}" for name in spread)}
    assert {
        f"{row}/arrival/{part}/{name}"
        for row in (f"units/{UNIT}", "total")
        for part in ("all", "day")
        for name in changed
    } == set(units)
    assert (Figure(0.0, 0, 1), Figure(100.0, 1, 1)) == units["total/arrival/all/rate"]
    assert [] == compared["overview/exercise"] + compared["units/exercise"]


async def test_a_revision_keeps_both_values(stage: Stage) -> None:
    """The correction is revision 1 with its own epoch, offsets and hashes; the freeze stays."""
    found = await frozen(stage)
    freeze = await found.known(NOVEMBER, 0)

    revision = await found.revise(NOVEMBER, LATE)

    assert (1, LATE) == (revision.number, revision.reason)
    assert revision.epoch > freeze.epoch
    assert len(first()) + len(later()) == sum(revision.offsets.values())
    assert freeze == await found.known(NOVEMBER, 0)
    compared = {str(c.sheet): c.found for c in await found.compare(NOVEMBER, 0, 1)}
    valid = next(d for d in compared["overview/real"] if d.path == "valid")
    assert (Figure(2), Figure(1)) == (valid.before, valid.after)
    assert [] == [v for n in (0, 1) for v in await found.recompute(NOVEMBER, n) if not v.same]


async def test_a_revision_without_a_change_is_refused(stage: Stage) -> None:
    """Nothing is published anew when no figure moved."""
    await at(stage, READY)
    found = office(stage)
    await found.freeze(NOVEMBER)

    with pytest.raises(FreezeRefused) as refused:
        await found.revise(NOVEMBER, LATE)

    assert FreezeRefusal.NOTHING_CHANGED is refused.value.reason


async def test_a_frozen_month_cannot_be_rewritten(stage: Stage) -> None:
    """The database itself refuses to change or drop what was frozen."""
    await frozen(stage)

    for sql in ("update frozen_table set formula = 9", "delete from frozen_month"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await stage.database.write(sql)


async def test_a_freeze_waits_for_the_batch_in_flight(stage: Stage) -> None:
    """A batch whose statement has begun is wholly inside the freeze: facts and offsets."""
    await at(stage, READY)
    event = said.call(1, T0)
    await stage.say(event)
    other = Database(stage.dsn, schema="reports", instance="freezing")
    blocker = await asyncpg.connect(stage.admin)
    try:
        async with stage.listening():
            await stage.heard(1)
            # the next batch stops in the middle of its statement, at this row
            holding = blocker.transaction()
            await holding.start()
            await blocker.execute("update reports.call_fact set severity = 1")
            await stage.say(said.call(1, T0, revision=2, severity=2))
            await waiting(stage, 1)
            freezing = asyncio.create_task(office(stage, other).freeze(NOVEMBER))
            await waiting(stage, 2)
            await holding.rollback()
            revision = await freezing
    finally:
        await blocker.close()
        await other.close()

    assert 2 == sum(revision.offsets.values())
    found = await stage.reader.of(NOVEMBER, as_of_epoch=revision.epoch)
    assert [(2, 2)] == [(call.version, call.severity) for call in found.calls]


async def waiting(stage: Stage, count: int) -> None:
    """Wait until *count* statements of this database are held up by another's lock."""

    async def held() -> bool:
        found = await rows(
            stage.admin,
            "select count(*) as n from pg_stat_activity "
            "where wait_event_type = 'Lock' and datname = current_database()",
        )
        return bool(found[0]["n"] >= count)

    await until(held)


def test_the_month_opens_three_days_after_its_end() -> None:
    """November of Xianju ends on the 30th at 16:00 UTC."""
    assert datetime(2026, 12, 3, 16, tzinfo=UTC) == READY
