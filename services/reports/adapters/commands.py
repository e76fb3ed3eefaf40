"""`month`, `day` and `longer`: writes the tables of a running stack's database to files or to the screen."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer

from services.reports.adapters import assessment_commands, freeze_commands, history_commands
from services.reports.adapters.fact_reading import FactReader
from services.reports.adapters.formats import Form, render
from services.reports.adapters.running_stack import StackNotFound, dsn_of
from services.reports.domain import period as periods
from services.reports.domain.facts import Facts, Population
from services.reports.domain.period import Period, WrongPeriod
from services.reports.handlers import Question, Table, compute, gathered
from shared.contracts.pack import Pack
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable
from shared.runtime.packs import PackRefusedError, load_pack

ROOT = Path(__file__).resolve().parents[3]
WRONG_USE, FAILED = 2, 1

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="联动统计: tables of a month or a day. Without a command the service runs.",
)
app.add_typer(freeze_commands.app)
app.add_typer(assessment_commands.app)
history_commands.register(app)

DEFAULT_REGION = "xianju"
RegionOrOnly = Annotated[
    str | None, typer.Option(help="region pack; with --local the region imported")
]
Imported = Annotated[
    Path | None, typer.Option("--local", help="print the figures of the history in this folder")
]
AsOf = Annotated[
    datetime | None, typer.Option(help="with --local: when open cases are judged, local time")
]
Json = Annotated[bool, typer.Option("--json", help="as --format json")]
Region = Annotated[str, typer.Option(help="region pack, a folder of deploy/regions")]
Stack = Annotated[str | None, typer.Option(help="running stack, run/<stack>; else the region's")]
Whose = Annotated[Population, typer.Option(help="real cases or exercises (演练), never both")]
As = Annotated[Form, typer.Option("--format", help="json goes to the screen without --out")]
Out = Annotated[Path | None, typer.Option(help="folder for the files")]
Which = Annotated[Table | None, typer.Option(help="one table only")]
Published = Annotated[bool, typer.Option("--published", help="hide cells below five")]


@app.command()
def month(  # noqa: PLR0913, PLR0917 - a command line's options, each named where it is used
    label: Annotated[str, typer.Argument(metavar="YYYY-MM")],
    region: RegionOrOnly = None,
    stack: Stack = None,
    population: Whose = Population.REAL,
    form: As = Form.JSON,
    out: Out = None,
    table: Which = None,
    published: Published = False,  # noqa: FBT002 - a switch
    local: Imported = None,
    as_of: AsOf = None,
    as_json: Json = False,  # noqa: FBT002 - a switch
) -> None:
    """Write the tables of a month; with --local, what was imported."""
    if local is not None:
        history_commands.show_month(label, region, local, as_of)
        return
    form = Form.JSON if as_json else form
    order = _Order(
        region or DEFAULT_REGION, stack, population, form, out, table, published=published
    )
    order.carry_out(label, periods.month)


@app.command()
def day(  # noqa: PLR0913, PLR0917 - the same options
    label: Annotated[str, typer.Argument(metavar="YYYY-MM-DD")],
    region: Region = "xianju",
    stack: Stack = None,
    population: Whose = Population.REAL,
    form: As = Form.JSON,
    out: Out = None,
    table: Which = None,
    published: Published = False,  # noqa: FBT002 - a switch
) -> None:
    """Write the tables of a day."""
    order = _Order(region, stack, population, form, out, table, published=published)
    order.carry_out(label, periods.day)


@app.command()
def longer(  # noqa: PLR0913, PLR0917 - the same options
    label: Annotated[str, typer.Argument(metavar="YYYY-Qn|YYYY-Hn|YYYY")],
    region: Region = "xianju",
    stack: Stack = None,
    population: Whose = Population.REAL,
    form: As = Form.JSON,
    out: Out = None,
    table: Which = None,
    published: Published = False,  # noqa: FBT002 - a switch
) -> None:
    """Write the tables of a quarter, half-year or year (季度、半年、年度)."""
    order = _Order(region, stack, population, form, out, table, published=published)
    order.carry_out(label, periods.longer)


class _Order:
    """What was asked for on the command line."""

    def __init__(
        self,
        region: str,
        stack: str | None,
        population: Population,
        form: Form,
        out: Path | None,
        table: Table | None,
        *,
        published: bool,
    ) -> None:
        self._region = region
        self._stack = stack or region
        self._population = population
        self._form = form
        self._out = out
        self._tables = [table] if table else list(Table)
        self._published = published

    def carry_out(self, label: str, parse: Callable[[str, ZoneInfo], Period]) -> None:
        """Load, compute, write; exits 2 for a wrong use and 1 when something is away."""
        try:
            pack = load_pack(ROOT / "deploy" / "regions" / self._region)
            period = parse(label, pack.region.zone)
            dsn = dsn_of(self._stack, ROOT, os.environ)
        except (WrongPeriod, PackRefusedError, StackNotFound) as wrong:
            _quit(str(wrong), WRONG_USE)
        try:
            facts = asyncio.run(_loaded(dsn, period, self._tables))
        except Unavailable as away:
            _quit(f"the database of stack {self._stack} does not answer: {away}", FAILED)
        received = sum(call.received_at in period for call in facts.calls)
        _tell(f"{received} calls received and {len(facts.clocks)} time limits due")
        for table in self._tables:
            self._write(Question(table, period, self._population, self._published), facts, pack)

    def _write(self, question: Question, facts: Facts, pack: Pack) -> None:
        _tell(f"computing {question.table}")
        body = render(compute(question, facts, pack), self._form)
        if self._out is None and self._form is Form.JSON:
            sys.stdout.buffer.write(body)
            sys.stdout.flush()
            return
        folder = self._out or Path("build") / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        words = [self._region, question.period.label]
        words += [self._population] if self._population is Population.EXERCISE else []
        words += ["published"] if self._published else []
        path = folder / f"{'-'.join([*words, question.table])}.{self._form}"
        path.write_bytes(body)
        typer.echo(path)


async def _loaded(dsn: str, period: Period, tables: Iterable[Table]) -> Facts:
    _tell(f"reading the facts of {period.label}")
    database = Database(dsn, schema="reports", instance="reports-command", size=1)
    try:
        return await gathered(FactReader(database), period, tables)
    finally:
        await database.close()


def _tell(what: str) -> None:
    typer.echo(what, err=True)


def _quit(why: str, code: int) -> NoReturn:
    _tell(why)
    raise typer.Exit(code)
