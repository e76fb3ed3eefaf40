"""`import`, and `month` of what was imported: needs neither a broker nor PostgreSQL."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import duckdb
import msgspec
import typer

from services.reports.adapters import history, history_months
from services.reports.adapters.history import HistoryRefused
from services.reports.domain.history_mapping import WrongMapping, checked
from services.reports.domain.period import WrongPeriod

WRONG_USE, FAILED, INTERRUPTED = 2, 1, 130
_REGION = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

Local = Annotated[Path, typer.Option("--local", help="folder the history is kept in")]


def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV of closed history")],
    mapping: Annotated[Path, typer.Option(help="how its columns are read (docs/import)")],
    region: Annotated[str, typer.Option(help="name the cases are kept under")],
    local: Local,
    as_of: Annotated[
        datetime | None, typer.Option(help="when open cases are judged, local time")
    ] = None,
) -> None:
    """Load closed cases from a CSV; again changes nothing. Rejected rows go to a file beside."""
    if not _REGION.fullmatch(region):
        _quit(f"region {region!r}: write it in a-z, 0-9, - and _, for example xianju", WRONG_USE)
    try:
        read = history.read_mapping(mapping)
        if as_of:
            read = checked(msgspec.structs.replace(read, as_of=as_of))
        done = history.load(file, read, region, local, _tell)
    except (HistoryRefused, WrongMapping) as wrong:
        _quit(str(wrong), WRONG_USE)
    except (KeyboardInterrupt, duckdb.InterruptException):
        _quit("stopped: nothing was stored", INTERRUPTED)
    except duckdb.Error as failed:
        _quit(f"nothing was stored: {failed}", FAILED)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(done), indent=2).decode() + "\n")


def show_month(label: str, region: str | None, local: Path, as_of: datetime | None) -> None:
    """Print the figures of a month of what was imported as JSON."""
    try:
        with history.opened(local, write=False) as db:
            found = history_months.month(db, label, region, as_of)
    except (HistoryRefused, WrongPeriod) as wrong:
        _quit(str(wrong), WRONG_USE)
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("import")(load)


def _tell(what: str) -> None:
    typer.echo(what, err=True)


def _quit(why: str, code: int) -> NoReturn:
    _tell(why)
    raise typer.Exit(code)
