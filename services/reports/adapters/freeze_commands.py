"""`freeze`, `revise`, `recompute` and `diff`: months that stay as they were published."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple, NoReturn, TypeVar

import msgspec
import typer

from services.reports.adapters.fact_reading import FactReader
from services.reports.adapters.frozen_months import FrozenMonths
from services.reports.adapters.history_commands import AsOf, Imported, RegionOrOnly
from services.reports.adapters.history_freeze_commands import Wanted, with_office
from services.reports.adapters.month_files import MonthFiles
from services.reports.adapters.running_stack import (
    DATABASE,
    StackNotFound,
    dsn_of,
    kafka_of,
    months_of,
    said_once,
)
from services.reports.domain import period as periods
from services.reports.domain.difference import Difference, Figure
from services.reports.domain.freezing import REASONS, FreezeRefused, Revision, RevisionReason
from services.reports.domain.period import Period, WrongPeriod
from services.reports.freeze_handlers import Compared, FileVerdict, Office, Verdict
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable
from shared.runtime.kafka import bounds_of
from shared.runtime.packs import PackRefusedError, load_pack

DEFAULT_REGION = "xianju"
ROOT = Path(__file__).resolve().parents[3]
WRONG_USE, FAILED, DIFFERS, REFUSED = 2, 1, 3, 4
"""Exit codes: 3 when bytes or figures differ, 4 when the platform refuses, with its reason."""

app = typer.Typer()

WAIT_S = 10.0
"""A running consumer is at most a few hundred milliseconds behind."""

Label = Annotated[str, typer.Argument(metavar="YYYY-MM")]
Stack = Annotated[str | None, typer.Option(help="running stack, run/<stack>; else the region's")]
Named = Annotated[
    str | None, typer.Option(help="running stack, run/<stack>: what is frozen stays, so say which")
]
Wait = Annotated[
    float, typer.Option(min=0, help="seconds to wait for events that are no facts yet")
]
Number = Annotated[int | None, typer.Option("--revision", min=0, help="0 is the freeze")]
Since = Annotated[int, typer.Option("--from", min=0, help="revision to start from, 0 the freeze")]
Until = Annotated[int | None, typer.Option("--to", min=0, help="revision; else the facts of now")]
Why = Annotated[RevisionReason, typer.Option(help="why published numbers change")]
AsJson = Annotated[bool, typer.Option("--json", help="every difference, for programs")]

T = TypeVar("T")


@app.command()
def freeze(
    label: Label,
    region: RegionOrOnly = None,
    stack: Named = None,
    wait: Wait = WAIT_S,
    local: Imported = None,
    as_of: AsOf = None,
) -> None:
    """Freeze a month, from the third day after its end: offsets, tables, files and their hashes."""
    if wanted := _imported(local, region, stack, as_of):
        _told(with_office(wanted, label, lambda office, period: office.freeze(period)))
        return

    async def done(desk: _Desk, period: Period) -> Revision:
        await desk.office.caught_up(await desk.ends(), wait)
        return await desk.office.freeze(period)

    _told(_done(label, region, _named(stack), done))


@app.command()
def revise(
    label: Label,
    reason: Why,
    region: RegionOrOnly = None,
    stack: Named = None,
    wait: Wait = WAIT_S,
    local: Imported = None,
    as_of: AsOf = None,
) -> None:
    """Store a frozen month as it is now, as a numbered revision; the frozen one stays."""

    async def done(desk: _Desk, period: Period) -> Revision:
        await desk.office.caught_up(await desk.ends(), wait)
        return await desk.office.revise(period, reason)

    if wanted := _imported(local, region, stack, as_of):
        revision = with_office(wanted, label, lambda office, period: office.revise(period, reason))
    else:
        revision = _done(label, region, _named(stack), done)
    _told(revision)
    typer.echo(f"{revision.number}: {REASONS[reason]}; see `diff {label} --to {revision.number}`")


def _named(stack: str | None) -> str | None:
    """Refuse to guess where a month is frozen: the environment or --stack has to say it."""
    if stack is None and DATABASE not in os.environ:
        running = sorted(each.parent.name for each in (ROOT / "run").glob("*/endpoints.json"))
        known = f"; running here: {', '.join(running)}" if running else ""
        _quit(f"what is frozen stays: say of which stack, --stack NAME{known}", WRONG_USE)
    return stack


@app.command()
def recompute(
    label: Label,
    number: Number = None,
    region: RegionOrOnly = None,
    stack: Stack = None,
    local: Imported = None,
) -> None:
    """Compute a stored month again as of its freeze; exit 3 names each table that differs."""

    async def done(desk: _Desk, period: Period) -> tuple[list[Verdict], list[FileVerdict]]:
        verdicts = await desk.office.recompute(period, number)
        return verdicts, await desk.office.check_files(period, number)

    if wanted := _imported(local, region, stack, None):
        verdicts, files = with_office(
            wanted, label, lambda office, period: office.recompute(period, number)
        )
    else:
        verdicts, files = _done(label, region, stack, done)
    for verdict in verdicts:
        typer.echo(_judged(verdict))
    for each in files:
        same = each.found == each.file.sha256
        word = "same     " if same else "DIFFERS  "
        typer.echo(f"{word}{each.file.sha256}  {each.file.kind}, {each.file.rows} rows")
    tables_same = all(verdict.same for verdict in verdicts)
    if not tables_same or any(each.found != each.file.sha256 for each in files):
        raise typer.Exit(DIFFERS)


@app.command()
def diff(  # noqa: PLR0913, PLR0917 - the same options
    label: Label,
    since: Since = 0,
    until: Until = None,
    region: RegionOrOnly = None,
    stack: Stack = None,
    as_json: AsJson = False,  # noqa: FBT002 - a switch
    local: Imported = None,
    as_of: AsOf = None,
) -> None:
    """Print every figure that differs from the freeze, with both values; exit 3 when one does."""
    if wanted := _imported(local, region, stack, as_of):
        compared = with_office(
            wanted, label, lambda office, period: office.compare(period, since, until)
        )
    else:
        compared = _done(
            label, region, stack, lambda desk, period: desk.office.compare(period, since, until)
        )
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(told(compared)), indent=2).decode())
    else:
        for each in compared:
            for found in each.found:
                typer.echo(f"{each.sheet}\t{_line(found)}")
    if any(each.found for each in compared):
        raise typer.Exit(DIFFERS)


def _imported(
    local: Path | None, region: str | None, stack: str | None, as_of: datetime | None
) -> Wanted | None:
    """Return what to open of imported history, None: a running stack is meant."""
    if local is None:
        if as_of is not None:
            _quit("--as-of is for imported history: give --local DIR with it", WRONG_USE)
        return None
    if stack is not None:
        _quit("--local and --stack name two places: give one of them", WRONG_USE)
    return Wanted(local, region, as_of)


def told(compared: list[Compared]) -> list[dict[str, object]]:
    """Return the differences table by table, as JSON says them."""
    return [{"sheet": each.sheet, "differences": each.found} for each in compared]


class _Desk(NamedTuple):
    """The office of a running stack, and up to where its topics go now."""

    office: Office
    ends: Callable[[], Awaitable[Mapping[str, int]]]


def _done(
    label: str,
    chosen: str | None,
    stack: str | None,
    ask: Callable[[_Desk, Period], Awaitable[T]],
) -> T:
    """Open the office of a running stack and ask; ends the process with a named reason."""
    region = chosen or DEFAULT_REGION
    try:
        said_once(stack, os.environ)
        pack = load_pack(ROOT / "deploy" / "regions" / region)
        period = periods.month(label, pack.region.zone)
        dsn = dsn_of(stack or region, ROOT, os.environ)
    except (WrongPeriod, PackRefusedError, StackNotFound) as wrong:
        _quit(str(wrong), WRONG_USE)

    async def asked() -> T:
        database = Database(dsn, schema="reports", instance="reports-command", size=1)
        archive = FrozenMonths(database)
        files = MonthFiles(database, months_of(stack or region, ROOT, os.environ))
        office = Office(FactReader(database), archive, pack, files)

        async def ends() -> Mapping[str, int]:
            kafka = kafka_of(stack or region, ROOT, os.environ)
            topics = sorted({place.partition("/")[0] for place in await archive.offsets()})
            bounds = await bounds_of(kafka, topics) if topics else {}
            return {f"{each.topic}/{each.number}": at.end for each, at in bounds.items()}

        try:
            return await ask(_Desk(office, ends), period)
        finally:
            await database.close()

    try:
        return asyncio.run(asked())
    except FreezeRefused as refused:
        _quit(str(refused), REFUSED)
    except StackNotFound as wrong:
        _quit(str(wrong), WRONG_USE)
    except Unavailable as away:
        _quit(f"stack {stack or region} does not answer: {away}", FAILED)


def _told(revision: Revision) -> None:
    typer.echo(
        f"{revision.month} revision {revision.number}, epoch {revision.epoch}, "
        f"{revision.at:%Y-%m-%d %H:%M:%S %Z}, pack {revision.pack_stamp}"
    )
    for each in revision.sheets:
        typer.echo(f"{each.sha256}  {each.sheet} (formula {each.formula})")
    for file in revision.files:
        typer.echo(f"{file.sha256}  {file.kind}, {file.rows} rows")


def _judged(verdict: Verdict) -> str:
    if verdict.same:
        return f"same     {verdict.stored}  {verdict.sheet}"
    before, now = verdict.formula
    why = f", formula {before} then and {now} now" if before != now else ""
    return f"DIFFERS  {verdict.sheet}: stored {verdict.stored}, now {verdict.computed}{why}"


def _line(found: Difference) -> str:
    return f"{found.path}\t{_said(found.before)}\t{_said(found.after)}\t{found.how}"


def _said(figure: Figure | None) -> str:
    if figure is None:
        return "(none)"
    value = "–" if figure.value is None else str(figure.value)
    if figure.denominator is None:
        return value
    return f"{value} ({figure.numerator}/{figure.denominator})"


def _quit(why: str, code: int) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)
