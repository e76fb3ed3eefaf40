"""`assess`: scores of the units for a month, by the classes the month before gives."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from services.reports.adapters.fact_reading import FactReader
from services.reports.adapters.formats import Form, render
from services.reports.adapters.frozen_months import FrozenMonths
from services.reports.adapters.running_stack import StackNotFound, dsn_of
from services.reports.domain import period as periods
from services.reports.domain.assessment import assessment
from services.reports.domain.facts import Facts, Population
from services.reports.domain.period import Period, WrongPeriod
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable
from shared.runtime.packs import PackRefusedError, load_pack

ROOT = Path(__file__).resolve().parents[3]
WRONG_USE, FAILED = 2, 1

app = typer.Typer()


@app.command()
def assess(
    label: Annotated[str, typer.Argument(metavar="YYYY-MM")],
    region: Annotated[str, typer.Option(help="region pack, a folder of deploy/regions")] = "xianju",
    stack: Annotated[str | None, typer.Option(help="running stack, run/<stack>")] = None,
    population: Annotated[
        Population, typer.Option(help="real or exercise (演练)")
    ] = Population.REAL,
    form: Annotated[Form, typer.Option("--format", help="json goes to the screen")] = Form.JSON,
    out: Annotated[Path, typer.Option(help="folder for the files")] = Path("build/reports"),
) -> None:
    """Score the units of a month and rank them within classes of like workload (A01-A03)."""
    try:
        pack = load_pack(ROOT / "deploy" / "regions" / region)
        period = periods.month(label, pack.region.zone)
        before = periods.month(f"{period.days[0] - timedelta(days=1):%Y-%m}", pack.region.zone)
        dsn = dsn_of(stack or region, ROOT, os.environ)
    except (WrongPeriod, PackRefusedError, StackNotFound) as wrong:
        _quit(str(wrong), WRONG_USE)
    try:
        now, earlier = asyncio.run(_loaded(dsn, period, before))
    except Unavailable as away:
        _quit(f"the database of stack {stack or region} does not answer: {away}", FAILED)
    body = render(assessment(now, earlier, (period, before), population, pack), form)
    if form is Form.JSON:
        sys.stdout.buffer.write(body)
        sys.stdout.flush()
        return
    out.mkdir(parents=True, exist_ok=True)
    words = [region, label, *([population] if population is Population.EXERCISE else [])]
    path = out / f"{'-'.join(words)}-assessment.{form}"
    path.write_bytes(body)
    typer.echo(path)


async def _loaded(dsn: str, period: Period, before: Period) -> tuple[Facts, Facts]:
    """Return the facts of both months; the earlier one as it was frozen, where it was."""
    typer.echo(f"reading the facts of {period.label} and {before.label}", err=True)
    database = Database(dsn, schema="reports", instance="reports-command", size=1)
    try:
        frozen = await FrozenMonths(database).revision(before.label, 0)
        reader = FactReader(database)
        earlier = await reader.of(before, as_of_epoch=frozen.epoch if frozen else None)
        return await reader.of(period), earlier
    finally:
        await database.close()


def _quit(why: str, code: int) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)
