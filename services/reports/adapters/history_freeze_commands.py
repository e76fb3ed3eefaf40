"""`freeze`, `revise`, `recompute` and `diff` with `--local`: opens imported history and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

import duckdb
import typer

from services.reports.adapters import history
from services.reports.adapters.history_freezing import LocalOffice
from services.reports.adapters.history_frozen_files import FOLDER
from services.reports.adapters.history_scope import scope_of
from services.reports.adapters.history_source import HistoryRefused
from services.reports.domain import period as periods
from services.reports.domain.freezing import FreezeRefusal, FreezeRefused
from services.reports.domain.period import Period, WrongPeriod

WRONG_USE, FAILED, REFUSED, INTERRUPTED = 2, 1, 4, 130

T = TypeVar("T")


class Wanted(NamedTuple):
    """Which imported history: its folder, the region (None: the only one), the as-of, local time."""

    local: Path
    region: str | None
    as_of: datetime | None


def with_office(wanted: Wanted, label: str, ask: Callable[[LocalOffice, Period], T]) -> T:
    """Ask the office of imported history about a month; ends the process with a named reason."""
    try:
        _needed(wanted.local)
        with history.opened(wanted.local, write=False) as db:
            scope = scope_of(db, wanted.region, wanted.as_of)
            period = periods.month(label, scope.zone)
            return ask(LocalOffice(scope, wanted.local), period)
    except FreezeRefused as refused:
        _quit(str(refused), REFUSED)
    except (HistoryRefused, WrongPeriod) as wrong:
        _quit(str(wrong), WRONG_USE)
    except (KeyboardInterrupt, duckdb.InterruptException):
        _quit("stopped: nothing was stored", INTERRUPTED)
    except duckdb.Error as failed:
        _quit(f"nothing was stored: {failed}", FAILED)
    except OSError as failed:
        _quit(f"{wanted.local} cannot be read or written: {failed}", FAILED)


def _needed(local: Path) -> None:
    if not (local / history.FILE).exists():
        raise FreezeRefused(
            FreezeRefusal.NOT_IMPORTED,
            f"no history in {local}: load one with `import FILE --local {local}`",
        )


def say_frozen(wanted: Wanted, label: str) -> None:
    """Say on the error stream that a month is frozen and whether what is imported now differs."""
    if not (wanted.local / FOLDER).exists():
        return
    found = with_office(wanted, label, lambda office, period: office.drift(period))
    if found is None:
        return
    revision, drift = found
    kept = f"frozen, revision {revision.number} of {revision.at:%Y-%m-%d %H:%M:%S %Z}"
    now = (
        f"what is imported now differs: {drift}; see `diff {label}`" if drift else "unchanged since"
    )
    typer.echo(f"{label} is {kept}; {now}", err=True)


def _quit(why: str, code: int) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(code)
