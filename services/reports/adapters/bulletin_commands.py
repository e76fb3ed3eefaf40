"""`bulletin`, `daily` and `checklist`: what a bureau signs."""

from __future__ import annotations

from typing import Annotated

import typer

from services.reports.adapters import history_commands
from services.reports.adapters.asking import (
    DEFAULT_REGION,
    As,
    Out,
    Published,
    Stack,
    Whose,
    ask,
    find,
    give,
    name_of,
)
from services.reports.adapters.fact_reading import FactReader
from services.reports.adapters.formats import Form
from services.reports.adapters.frozen_months import FrozenMonths
from services.reports.adapters.history_commands import AsOf, Imported, RegionOrOnly, Wanted
from services.reports.domain import period as periods
from services.reports.domain.bulletin import Bulletin
from services.reports.domain.facts import Population
from services.reports.paper_handlers import Papers
from shared.contracts.pack import Pack
from shared.runtime.database import Database

app = typer.Typer()


def papers_on(database: Database, pack: Pack) -> Papers:
    """Return what computes papers from the facts in *database*."""
    return Papers(FactReader(database), FrozenMonths(database), pack)


@app.command()
def bulletin(  # noqa: PLR0913, PLR0917 - a command line's options, each named where it is used
    label: Annotated[str, typer.Argument(metavar="YYYY-Qn|YYYY-Hn|YYYY")],
    region: RegionOrOnly = None,
    stack: Stack = None,
    population: Whose = Population.REAL,
    form: As = Form.HTML,
    out: Out = None,
    published: Published = False,  # noqa: FBT002 - a switch
    local: Imported = None,
    as_of: AsOf = None,
) -> None:
    """Write the bulletin 通报 of a quarter (T9), half-year or year (T10, with the ranking)."""
    if local is not None:
        wanted = Wanted(local, region, as_of, population, form, out, None, published)
        history_commands.bulletin(wanted, label)
        return
    place = find(label, periods.longer, region or DEFAULT_REGION, stack)

    async def compute(database: Database) -> Bulletin:
        papers = papers_on(database, place.pack)
        return await papers.bulletin(place.period, population, published=published)

    found = ask(place, compute)
    give(found, form, out, name_of(place, population, "bulletin", published=published))


@app.command()
def daily(  # noqa: PLR0913, PLR0917 - the same options
    label: Annotated[str, typer.Argument(metavar="YYYY-MM-DD")],
    region: RegionOrOnly = None,
    stack: Stack = None,
    population: Whose = Population.REAL,
    form: As = Form.HTML,
    out: Out = None,
    local: Imported = None,
    as_of: AsOf = None,
) -> None:
    """Write the daily report 日报, due every day of a special-protection period (R16)."""
    if local is not None:
        wanted = Wanted(local, region, as_of, population, form, out, None, published=False)
        history_commands.daily(wanted, label)
        return
    place = find(label, periods.day, region or DEFAULT_REGION, stack)

    found = ask(
        place, lambda database: papers_on(database, place.pack).daily(place.period, population)
    )
    give(found, form, out, name_of(place, population, "daily"))


@app.command()
def checklist(
    label: Annotated[str, typer.Argument(metavar="YYYY-MM")],
    region: RegionOrOnly = None,
    stack: Stack = None,
    population: Whose = Population.REAL,
    form: As = Form.HTML,
    out: Out = None,
    local: Imported = None,
) -> None:
    """Write the five monthly duties 五个一 (P30): what the platform proves, blanks for the rest."""
    if local is not None:
        wanted = Wanted(local, region, None, population, form, out, None, published=False)
        history_commands.checklist(wanted, label)
        return
    place = find(label, periods.month, region or DEFAULT_REGION, stack)

    found = ask(
        place, lambda database: papers_on(database, place.pack).checklist(place.period, population)
    )
    give(found, form, out, name_of(place, population, "checklist"))
