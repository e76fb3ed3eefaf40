"""`import`, and the tables of what was imported: needs neither a broker nor PostgreSQL."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import duckdb
import msgspec
import typer
from msgspec.structs import replace

from services.reports.adapters import history, history_bulletins, history_months
from services.reports.adapters.formats import Form, document
from services.reports.adapters.history import HistoryRefused
from services.reports.adapters.history_assessment import assessed
from services.reports.adapters.history_freezing import LocalOffice
from services.reports.adapters.history_scope import Scope, scope_of
from services.reports.adapters.history_suggestion import suggested
from services.reports.adapters.history_tables import HistoryTables
from services.reports.domain import period as periods
from services.reports.domain.bulletin import NoBulletin
from services.reports.domain.canonical import canonical
from services.reports.domain.checklist import checklist as checklist_of
from services.reports.domain.facts import Population
from services.reports.domain.history_key_figures import listed, unanswered
from services.reports.domain.history_mapping import Mapping, WrongMapping, checked
from services.reports.domain.history_notes import warned
from services.reports.domain.history_published import published_month
from services.reports.domain.history_tables import Asked
from services.reports.domain.history_words import explained
from services.reports.domain.key_figures import FigureTable
from services.reports.domain.period import Period, WrongPeriod
from services.reports.domain.report import Report
from services.reports.domain.wording import Text

WRONG_USE, FAILED, INTERRUPTED = 2, 1, 130
ROOT = Path(__file__).resolve().parents[3]
RegionOrOnly = Annotated[
    str | None, typer.Option(help="region pack; with --local the region imported")
]
Imported = Annotated[
    Path | None,
    typer.Option(
        "--local",
        help="answer from the history in this folder (run/REGION/history), not from a stack",
    ),
]
AsOf = Annotated[
    datetime | None, typer.Option(help="with --local: when open cases are judged, local time")
]
_REGION = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def load(  # noqa: PLR0913, PLR0917 - a command line's options, each named where it is used
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="CSV of closed history")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="how its columns are read (docs/import)")
    ] = None,
    region: Annotated[str, typer.Option(help="name the cases are kept under")] = "",
    local: Annotated[
        Path | None,
        typer.Option("--local", help="folder the history is kept in; else run/REGION/history"),
    ] = None,
    as_of: Annotated[
        datetime | None, typer.Option(help="when open cases are judged, local time")
    ] = None,
    dry_run: Annotated[  # noqa: FBT002 - a switch
        bool, typer.Option("--dry-run", help="say what would be read, store nothing")
    ] = False,
    check: Annotated[  # noqa: FBT002 - a switch
        bool, typer.Option("--check", help="check the mapping, and FILE's header if given")
    ] = False,
    explain: Annotated[  # noqa: FBT002 - a switch
        bool, typer.Option("--explain", help="say in words how the mapping reads a file")
    ] = False,
    suggest: Annotated[  # noqa: FBT002 - a switch
        bool, typer.Option("--suggest", help="print a mapping to start from for FILE")
    ] = False,
) -> None:
    """Load closed cases from a CSV; again changes nothing. Rejected rows go to a file beside."""
    with _told():
        if suggest:
            typer.echo(suggested(_needed(file, "FILE")), nl=False)
            return
        read = history.read_mapping(_needed(mapping, "--mapping"))
        if as_of:
            read = checked(replace(read, as_of=as_of))
        if check or explain:
            _check(read, file, explain=explain)
            return
        if not _REGION.fullmatch(region):
            _quit(
                f"--region {region!r}: write it in a-z, 0-9, - and _, for example xianju", WRONG_USE
            )
        folder = local or ROOT / "run" / region / "history"
        done = history.load(_needed(file, "FILE"), read, region, folder, _tell, dry_run=dry_run)
    _print(done)
    for each in done.warnings:
        _tell(f"WARNING: {each}")
    for each in done.absent:
        _tell(f"the file has no column {each!r}, which the mapping lets it lack")
    if done.months and not dry_run:
        named = f"month {done.months[-1]} --local {folder} --region {region}"
        _tell(f"kept in {folder}; ask it with `python -m services.reports {named}`")


def _check(mapping: Mapping, file: Path | None, *, explain: bool) -> None:
    if file is not None:
        mapping = history.with_columns_of(file, mapping)
    lines = explained(mapping) if explain else ["the mapping can be used"]
    typer.echo("\n".join(lines))


def _needed(given: Path | None, name: str) -> Path:
    if given is None:
        _quit(f"{name} is missing; `import --help` shows the use", WRONG_USE)
    return given


@dataclass(frozen=True)
class Wanted:
    """What was asked for of imported history on the command line."""

    local: Path
    region: str | None
    as_of: datetime | None
    population: Population
    form: Form
    out: Path | None
    table: str | None
    published: bool


def show(wanted: Wanted, label: str, parse: Callable[[str, ZoneInfo], Period]) -> None:
    """Write the tables of a period; without a table, JSON is every figure on the screen."""
    with _told(), history.opened(wanted.local, write=False) as db:
        scope = scope_of(db, wanted.region, wanted.as_of, wanted.population)
        period = parse(label, scope.zone)
        _warn(scope, period)
        if wanted.table is None and wanted.form is Form.JSON:
            found = _every_figure(scope, period, published=wanted.published)
            if wanted.out is None:
                _print(found)
            else:
                _kept(wanted, scope, period, _EVERY, _pretty(found))
            return
        tables = HistoryTables(scope, period)
        if wanted.table is not None:
            report = tables.table(_asked(wanted.table), published=wanted.published)
            _write(wanted, scope, period, report, tables.notes())
            return
        written = 0
        for asked in Asked:
            if asked is Asked.ASSESSMENT:
                continue
            try:
                report = tables.table(asked, published=wanted.published)
            except HistoryRefused as unanswered:
                _tell(str(unanswered))
                continue
            _write(wanted, scope, period, report, tables.notes())
            written += 1
        if not written:
            _quit("no table could be answered", WRONG_USE)


def assess(wanted: Wanted, label: str) -> None:
    """Write the assessment of the units of a month."""
    with _told(), history.opened(wanted.local, write=False) as db:
        scope = scope_of(db, wanted.region, wanted.as_of, wanted.population)
        period = periods.month(label, scope.zone)
        report, notes = assessed(scope, period)
        _warn(scope, period)
        _write(wanted, scope, period, report, notes)


def bulletin(wanted: Wanted, label: str) -> None:
    """Write the bulletin of a quarter, half-year or year, as far as the columns say it."""
    with _told(), history.opened(wanted.local, write=False) as db:
        scope = scope_of(db, wanted.region, wanted.as_of, wanted.population)
        period = periods.longer(label, scope.zone)
        _warn(scope, period)
        report, notes = history_bulletins.bulletin(scope, period, published=wanted.published)
        _write(wanted, scope, period, report, notes)


def daily(wanted: Wanted, label: str) -> None:
    """Write the daily report, as far as the columns say it."""
    with _told(), history.opened(wanted.local, write=False) as db:
        scope = scope_of(db, wanted.region, wanted.as_of, wanted.population)
        period = periods.day(label, scope.zone)
        _warn(scope, period)
        report, notes = history_bulletins.daily(scope, period)
        _write(wanted, scope, period, report, notes)


def checklist(wanted: Wanted, label: str) -> None:
    """Write the five monthly duties by what was frozen of imported history."""
    with _told(), history.opened(wanted.local, write=False) as db:
        scope = scope_of(db, wanted.region, None, wanted.population)
        period = periods.month(label, scope.zone)
        frozen = LocalOffice(scope, wanted.local).revisions(period)
        pack = HistoryTables(scope, period).pack
        found = checklist_of(period, wanted.population, frozen, pack)
        _write(wanted, scope, period, found, [])


def _warn(scope: Scope, period: Period) -> None:
    for each in warned(scope.basis(period)):
        _tell(f"WARNING: {each.en}")


def _every_figure(scope: Scope, period: Period, *, published: bool) -> object:
    found = history_months.computed(scope, period)
    if published:
        # beside the counts of the month the list could give away what either of them hides
        return published_month(found) | {"figures": None, "figures_withheld": _BY_ITSELF}
    shown = msgspec.to_builtins(found, str_keys=True)
    if found.basis.files:
        table = HistoryTables(scope, period).table(Asked.FIGURES)
        assert isinstance(table, FigureTable)  # noqa: S101 - what was asked for
        shown |= {"figures_cut": table.cut, "figures": [*listed(table)]}
    return shown | {"unanswered": unanswered(found.basis)}


_NEVER = {
    "reports": "upward reports",
}


_BY_ITSELF = "published as a table of its own: --table figures --published"


def _asked(table: str) -> Asked:
    try:
        return Asked(table)
    except ValueError:
        raise HistoryRefused(
            f"table {table} cannot be answered from imported history: no column of a mapping says "
            f"{_NEVER.get(table, 'what it needs')}"
        ) from None


def _write(wanted: Wanted, scope: Scope, period: Period, report: Report, notes: list[Text]) -> None:
    body = _rendered(report, wanted.form, notes)
    if wanted.out is None and wanted.form is Form.JSON:
        sys.stdout.buffer.write(body)
        sys.stdout.flush()
        return
    _kept(wanted, scope, period, _NAMES[type(report).__name__], body)


def _kept(wanted: Wanted, scope: Scope, period: Period, name: str, body: bytes) -> None:
    """Write a file named after region, period and *name*, and say where it is."""
    folder = wanted.out or Path("build") / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    words = [scope.region, period.label]
    words += [wanted.population] if wanted.population is Population.EXERCISE else []
    words += ["published"] if wanted.published else []
    path = folder / f"{'-'.join([*words, name])}.{wanted.form}"
    path.write_bytes(body)
    typer.echo(path)


_EVERY = "every-figure"
_NAMES = {
    "Overview": Asked.OVERVIEW,
    "CategoryTable": Asked.CATEGORIES,
    "UnitTable": Asked.UNITS,
    "TierTable": Asked.TIERS,
    "OverdueTable": Asked.OVERDUE,
    "GapTable": Asked.GAPS,
    "QualityTable": Asked.QUALITY,
    "FigureTable": Asked.FIGURES,
    "AssessmentTable": Asked.ASSESSMENT,
    "Bulletin": "bulletin",
    "Daily": "daily",
    "Checklist": "checklist",
}


def _rendered(report: Report, form: Form, notes: list[Text]) -> bytes:
    """Return *report* as bytes, with what a reader has to know of an import below it."""
    if form is Form.JSON:
        return canonical(report)
    read = document(report)
    read = replace(read, footnotes=[*read.footnotes, *notes])
    match form:
        case Form.HTML:
            from services.reports.adapters.page import page  # noqa: PLC0415 - only when asked for

            return page(read)
        case Form.XLSX:
            from services.reports.adapters.workbook import workbook  # noqa: PLC0415 - the same

            return workbook(read)
        case Form.CSV:
            from services.reports.adapters.csv_file import csv_file  # noqa: PLC0415 - the same

            return csv_file(read)


@contextmanager
def _told() -> Iterator[None]:
    """End a wrong use with what to do, and Ctrl-C with what it left."""
    try:
        yield
    except (HistoryRefused, NoBulletin, WrongMapping, WrongPeriod) as wrong:
        _quit(str(wrong), WRONG_USE)
    except (KeyboardInterrupt, duckdb.InterruptException):
        _quit("stopped: nothing was stored", INTERRUPTED)
    except duckdb.Error as failed:
        _quit(f"nothing was stored: {failed}", FAILED)


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("import")(load)


def _print(found: object) -> None:
    sys.stdout.write(_pretty(found).decode())


def _pretty(found: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _tell(what: str) -> None:
    typer.echo(what, err=True)


def _quit(why: str, code: int) -> NoReturn:
    _tell(why)
    raise typer.Exit(code)
