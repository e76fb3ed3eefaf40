"""`month`, `day` and `longer`: writes the tables of a running stack's database to files or to the screen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from services.reports.adapters import (
    assessment_commands,
    bulletin_commands,
    freeze_commands,
    history_commands,
    roster_commands,
)
from services.reports.adapters.asking import (
    DEFAULT_REGION,
    ROOT,
    As,
    Out,
    Place,
    Published,
    Stack,
    Whose,
    ask,
    find,
    give,
    give_all,
    name_of,
    tell,
)
from services.reports.adapters.fact_reading import FactReader
from services.reports.adapters.formats import Form
from services.reports.adapters.history_commands import AsOf, Imported, RegionOrOnly, Wanted
from services.reports.adapters.history_freeze_commands import Wanted as Frozen
from services.reports.adapters.history_freeze_commands import say_frozen
from services.reports.adapters.month_files import MonthFiles
from services.reports.adapters.running_stack import months_of
from services.reports.domain import period as periods
from services.reports.domain.facts import Facts, Population
from services.reports.domain.period import Period
from services.reports.domain.report import Report
from services.reports.handlers import Question, Table, compute, gathered
from shared.runtime.database import Database

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="联动统计: tables of a month or a day. Without a command the service runs.",
)
app.add_typer(freeze_commands.app)
app.add_typer(assessment_commands.app)
app.add_typer(bulletin_commands.app)
app.add_typer(roster_commands.app)
history_commands.register(app)

Json = Annotated[bool, typer.Option("--json", help="as --format json")]
Which = Annotated[Table | None, typer.Option(help="one table only")]


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
    form = Form.JSON if as_json else form
    if local is not None:
        wanted = Wanted(local, region, as_of, population, form, out, table, published)
        history_commands.show(wanted, label, periods.month)
        say_frozen(Frozen(local, region, as_of), label)
        return
    place = find(label, periods.month, region or DEFAULT_REGION, stack)
    _write(place, population, form, out, table, published=published)


def _command(metavar: str, parse: Callable[[str, ZoneInfo], Period]) -> Callable[..., None]:
    """Return a command that writes the tables of one kind of period."""

    def command(  # noqa: PLR0913, PLR0917 - the same options
        label: str,
        region: RegionOrOnly = None,
        stack: Stack = None,
        population: Whose = Population.REAL,
        form: As = Form.JSON,
        out: Out = None,
        table: Which = None,
        published: Published = False,  # noqa: FBT002 - a switch
        local: Imported = None,
        as_of: AsOf = None,
    ) -> None:
        if local is not None:
            wanted = Wanted(local, region, as_of, population, form, out, table, published)
            history_commands.show(wanted, label, parse)
            return
        place = find(label, parse, region or DEFAULT_REGION, stack)
        _write(place, population, form, out, table, published=published)

    # typer reads annotations by name, and this one is made here
    command.__annotations__["label"] = Annotated[str, typer.Argument(metavar=metavar)]
    return command


app.command("day", help="Write the tables of a day.")(_command("YYYY-MM-DD", periods.day))
app.command("longer", help="Write the tables of a quarter, half-year or year (季度、半年、年度).")(
    _command("YYYY-Qn|YYYY-Hn|YYYY", periods.longer)
)


def _write(
    place: Place,
    population: Population,
    form: Form,
    out: Path | None,
    table: Table | None,
    *,
    published: bool,
) -> None:
    """Load, compute, write; of a large period by sets what they count (ADR 0020)."""
    tables = [table] if table else list(Table)
    questions = {each: Question(each, place.period, population, published) for each in tables}

    async def read(database: Database) -> tuple[dict[Table, Report], Facts]:
        files = MonthFiles(database, months_of(place.stack, ROOT, os.environ))
        counted = {
            each: await files.table(question, place.pack)
            for each, question in questions.items()
            if await files.counts(question)
        }
        rest = [each for each in tables if each not in counted]
        found = await gathered(FactReader(database), place.period, rest) if rest else Facts()
        return counted, found

    counted, facts = ask(place, read)
    if not counted:
        received = sum(call.received_at in place.period for call in facts.calls)
        due = sum(clock.due in place.period for clock in facts.clocks)
        tell(f"{received} calls received and {due} time limits due")
    reports: dict[Table, Report] = {}
    for each, question in questions.items():
        tell(f"computing {each}")
        reports[each] = counted.get(each) or compute(question, facts, place.pack)
    if form is Form.JSON and out is None and table is None:
        give_all(reports)
        return
    for each, report in reports.items():
        give(report, form, out, name_of(place, population, each, published=published))
