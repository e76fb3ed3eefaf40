"""`assess`: scores of the units for a month, by the classes the month before gives."""

from __future__ import annotations

from typing import Annotated

import typer

from services.reports.adapters import history_commands
from services.reports.adapters.asking import (
    DEFAULT_REGION,
    As,
    Out,
    Stack,
    Whose,
    ask,
    find,
    give,
    name_of,
)
from services.reports.adapters.bulletin_commands import papers_on
from services.reports.adapters.formats import Form
from services.reports.adapters.history_commands import AsOf, Imported, RegionOrOnly, Wanted
from services.reports.domain import period as periods
from services.reports.domain.facts import Population

app = typer.Typer()


@app.command()
def assess(  # noqa: PLR0913, PLR0917 - a command line's options, each named where it is used
    label: Annotated[str, typer.Argument(metavar="YYYY-MM")],
    region: RegionOrOnly = None,
    stack: Stack = None,
    population: Whose = Population.REAL,
    form: As = Form.JSON,
    out: Out = None,
    local: Imported = None,
    as_of: AsOf = None,
) -> None:
    """Score the units of a month and rank them within classes of like workload (A01-A03)."""
    if local is not None:
        wanted = Wanted(local, region, as_of, population, form, out, None, published=False)
        history_commands.assess(wanted, label)
        return
    place = find(label, periods.month, region or DEFAULT_REGION, stack)
    found = ask(
        place, lambda database: papers_on(database, place.pack).assessment(place.period, population)
    )
    give(found, form, out, name_of(place, population, "assessment"))
