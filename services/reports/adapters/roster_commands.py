"""`roster`: brings a duty roster into a running stack's facts, for the hours nobody was on it (R11)."""

from __future__ import annotations

import asyncio
import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from services.reports.adapters.asking import NotLocal
from services.reports.adapters.running_stack import StackNotFound, dsn_of, said_once
from services.reports.domain.later_facts import RosterFact
from services.reports.domain.roster_rows import COLUMNS, roster
from shared.runtime.database import Database
from shared.runtime.errors import Unavailable
from shared.runtime.packs import PackRefusedError, load_pack

ROOT = Path(__file__).resolve().parents[3]
WRONG_USE, FAILED = 2, 1
_BATCH = 5000
_PUT = """
with e as materialized (select number from epoch for share)
insert into roster_fact as f (epoch, roster_id, version, unit, begins, ends, people)
select e.number, i.* from unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[],
  $5::timestamptz[], $6::integer[]) i cross join e order by 2
on conflict (roster_id, epoch) do update set ends = excluded.ends, people = excluded.people
  where (f.ends, f.people) is distinct from (excluded.ends, excluded.people) returning 1"""

app = typer.Typer()


@app.command("roster")
def import_roster(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="unit,begins,ends,people")],
    region: Annotated[str, typer.Option(help="region pack, a folder of deploy/regions")] = "xianju",
    stack: Annotated[str | None, typer.Option(help="running stack, run/<stack>")] = None,
    _local: NotLocal = None,
) -> None:
    """Import a duty roster 值班表; the same file twice changes nothing."""
    try:
        pack = load_pack(ROOT / "deploy" / "regions" / region)
        said_once(stack, os.environ)
        dsn = dsn_of(stack or region, ROOT, os.environ)
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            if missing := sorted({*COLUMNS} - {*(reader.fieldnames or ())}):
                _quit(f"{file} has no column {', '.join(missing)}", WRONG_USE)
            spans, left_out = roster(reader, pack)
    except (PackRefusedError, StackNotFound, OSError, UnicodeDecodeError) as wrong:
        _quit(str(wrong), WRONG_USE)
    for each in left_out:
        typer.echo(f"line {each.line}: {each.why}", err=True)
    database = Database(dsn, schema="reports", instance="reports-command", size=1)
    try:
        changed = asyncio.run(put(database, spans))
    except Unavailable as away:
        _quit(f"the database of stack {stack or region} does not answer: {away}", FAILED)
    typer.echo(f"{len(spans)} spans, {changed} new or changed, {len(left_out)} lines left out")


async def put(database: Database, spans: Sequence[RosterFact]) -> int:
    """Write *spans* into the open epoch and close *database*; return how many changed anything."""
    changed = 0
    try:
        for first in range(0, len(spans), _BATCH):
            columns = zip(*spans[first : first + _BATCH], strict=True)
            changed += len(await database.write(_PUT, *(list(each) for each in columns)))
    finally:
        await database.close()
    return changed


def _quit(why: str, code: int) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)
