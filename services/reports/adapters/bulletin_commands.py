"""`bulletin`, `daily` and `checklist`: what a bureau signs."""

from __future__ import annotations

from typing import Annotated

import typer

from services.reports.adapters import history_commands
from services.reports.adapters.asking import (
    DEFAULT_REGION,
    As,
    Out,
    Place,
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
from services.reports.domain.bulletin import bulletin as bulletin_of
from services.reports.domain.checklist import checklist as checklist_of
from services.reports.domain.daily import daily as daily_of
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Facts, Population
from services.reports.domain.freezing import Revision
from services.reports.domain.opening import Three
from services.reports.handlers import Table, gathered
from shared.runtime.database import Database

app = typer.Typer()


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
    known = ask(place, lambda database: _three(database, place))
    found = bulletin_of(known, place.period, population, place.pack, published=published)
    give(found, form, out, name_of(place, population, "bulletin", published=published))


async def _three(database: Database, place: Place) -> Three:
    reader = FactReader(database)
    last_year = year_before(place.period)
    return (
        await reader.of(place.period),
        await reader.of(period_before(place.period)),
        await reader.of(last_year) if last_year else None,
    )


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

    async def read(database: Database) -> Facts:
        return await gathered(FactReader(database), place.period, [Table.OVERVIEW])

    found = daily_of(ask(place, read), place.period, population, place.pack)
    give(found, form, out, name_of(place, population, "daily"))


MOST_REVISIONS = 200


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

    async def read(database: Database) -> list[Revision]:
        months = FrozenMonths(database)
        return await months.revisions(place.period.label, after=-1, limit=MOST_REVISIONS)

    found = checklist_of(place.period, population, ask(place, read), place.pack)
    give(found, form, out, name_of(place, population, "checklist"))
