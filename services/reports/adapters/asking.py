"""What every command on a running stack does: pack, period and database found, a file written."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import typer

from services.reports.adapters.formats import Form, render
from services.reports.adapters.running_stack import StackNotFound, dsn_of, said_once
from services.reports.domain.facts import Population
from services.reports.domain.period import Period, WrongPeriod
from services.reports.domain.report import Report
from services.reports.handlers import Table
from shared.contracts.pack import Pack
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable
from shared.runtime.packs import PackRefusedError, load_pack

ROOT = Path(__file__).resolve().parents[3]
WRONG_USE, FAILED = 2, 1
DEFAULT_REGION = "xianju"
DEFAULT_FOLDER = Path("build") / "reports"

Region = Annotated[str, typer.Option(help="region pack, a folder of deploy/regions")]
Stack = Annotated[str | None, typer.Option(help="running stack, run/<stack>; else the region's")]
Whose = Annotated[Population, typer.Option(help="real cases or exercises (演练), never both")]
As = Annotated[Form, typer.Option("--format", help="json goes to the screen without --out")]
Out = Annotated[Path | None, typer.Option(help="folder for the files")]
Published = Annotated[bool, typer.Option("--published", help="hide cells below five")]


def _needs_facts(context: typer.Context, local: Path | None) -> None:
    if local is not None:
        stop(
            f"needs_facts: {context.info_name} needs the platform's facts and cannot work on "
            "imported history; --local is for month, day, longer, bulletin, daily, checklist, "
            "assess, freeze, revise, recompute, diff and import",
            WRONG_USE,
        )


NotLocal = Annotated[
    Path | None,
    typer.Option("--local", hidden=True, callback=_needs_facts, help="refused: no such facts"),
]

T = TypeVar("T")


class Place(NamedTuple):
    """Where a question is asked."""

    region: str
    stack: str
    pack: Pack
    period: Period
    dsn: str


def find(
    label: str, parse: Callable[[str, ZoneInfo], Period], region: str, stack: str | None
) -> Place:
    """Return pack, period and database; ends the process with code 2 and what is wrong."""
    try:
        pack = load_pack(ROOT / "deploy" / "regions" / region)
        period = parse(label, pack.region.zone)
        said_once(stack, os.environ)
        dsn = dsn_of(stack or region, ROOT, os.environ)
    except (WrongPeriod, PackRefusedError, StackNotFound) as wrong:
        stop(str(wrong), WRONG_USE)
    return Place(region, stack or region, pack, period, dsn)


def ask(place: Place, question: Callable[[Database], Awaitable[T]]) -> T:
    """Return what *question* finds in the stack's database; ends with code 1 when it is away."""

    async def asked() -> T:
        database = Database(place.dsn, schema="reports", instance="reports-command", size=1)
        try:
            return await question(database)
        finally:
            await database.close()

    tell(f"reading the facts of {place.period.label}")
    try:
        return asyncio.run(asked())
    except Unavailable as away:
        stop(f"the database of stack {place.stack} does not answer: {away}", FAILED)


def give_all(tables: Mapping[Table, Report]) -> None:
    """Write *tables* to the screen as one JSON object, by the words they are asked for with."""
    bodies = (f'"{each}":'.encode() + render(table, Form.JSON) for each, table in tables.items())
    sys.stdout.buffer.write(b"{" + b",".join(bodies) + b"}\n")
    sys.stdout.flush()


def give(table: Report, form: Form, out: Path | None, words: Sequence[str]) -> None:
    """Write *table* to the screen (JSON without a folder) or to `<words>.<form>`."""
    body = render(table, form)
    if out is None and form is Form.JSON:
        sys.stdout.buffer.write(body)
        sys.stdout.flush()
        return
    folder = out or DEFAULT_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{'-'.join(words)}.{form}"
    path.write_bytes(body)
    typer.echo(path)


def name_of(
    place: Place, population: Population, table: str, *, published: bool = False
) -> list[str]:
    """Return the words of a file's name: region, period, whose, published or not, table."""
    words = [place.region, place.period.label]
    words += [population] if population is Population.EXERCISE else []
    return [*words, *(["published"] if published else []), table]


def tell(what: str) -> None:
    """Say to the person at the screen what goes on."""
    typer.echo(what, err=True)


def stop(why: str, code: int) -> NoReturn:
    """Say why and end."""
    tell(why)
    raise typer.Exit(code)
