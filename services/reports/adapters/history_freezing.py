"""Freezes, revises, recomputes and compares months of imported history, without any platform."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import msgspec

from services.reports.adapters import history_months
from services.reports.adapters.file_names import digest
from services.reports.adapters.history import offsets, opened
from services.reports.adapters.history_frozen_files import (
    ROWS,
    FrozenFolder,
    LocalMonth,
    Source,
    name_of,
    write,
)
from services.reports.adapters.history_scope import Scope
from services.reports.adapters.history_source import HistoryRefused
from services.reports.adapters.history_sql import quoted, stored
from services.reports.adapters.history_tables import HistoryTables
from services.reports.adapters.month_sets import THREADS
from services.reports.adapters.parquet_files import ROWS_IN_GROUP
from services.reports.domain.canonical import canonical
from services.reports.domain.difference import Figure, differences, figures
from services.reports.domain.earlier import period_before, year_before
from services.reports.domain.facts import Population
from services.reports.domain.freezing import (
    FreezeRefusal,
    FreezeRefused,
    FrozenFile,
    FrozenSheet,
    Revision,
    RevisionReason,
    Sheet,
    next_number,
    opens_at,
    refuse_freeze,
    refuse_revision,
)
from services.reports.domain.history_figures import FORMULA
from services.reports.domain.history_notes import begun
from services.reports.domain.history_published import published_month
from services.reports.domain.history_tables import Asked
from services.reports.domain.history_time import utc_steps
from services.reports.domain.period import Period
from services.reports.freeze_handlers import (
    Compared,
    FileVerdict,
    Made,
    Verdict,
    hash_of,
    not_frozen,
    packed,
    verdict_of,
)

MONTH = "month"
"""The sheet with every figure, as `month --json` prints it."""


@dataclass(frozen=True)
class Drift:
    """How what is imported now differs from what a month was stored from."""

    new: int
    changed: int
    gone: int
    mappings: bool
    judged_at: bool

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone or self.mappings or self.judged_at)

    def __str__(self) -> str:
        words = [f"{self.new} rows new, {self.changed} changed, {self.gone} gone"]
        words += ["mappings differ"] if self.mappings else []
        words += ["open cases are judged at another time"] if self.judged_at else []
        return "; ".join(words)


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class LocalOffice:
    """Who keeps the months of one region of imported history: cases in, stored tables out."""

    def __init__(
        self, scope: Scope, local: Path, now: Callable[[], datetime] = _wall_clock
    ) -> None:
        self._scope = scope
        self._folder = FrozenFolder(local, scope.region)
        self._now = now

    def freeze(self, period: Period) -> Revision:
        """Freeze *period* as revision 0; raises FreezeRefused, HistoryRefused."""
        newest = self._folder.record(period.label)
        refusal = refuse_freeze(period, self._now(), newest.revision if newest else None)
        if refusal is FreezeRefusal.TOO_EARLY:
            local = opens_at(period).astimezone(period.zone)
            raise FreezeRefused(
                refusal, f"{period.label} may be frozen from {local:%Y-%m-%d %H:%M %Z}"
            )
        if refusal is not None:
            raise FreezeRefused(
                refusal, f"{period.label} stands: a correction is `revise {period.label}`"
            )
        return self._set_down(period, None, None)

    def revise(self, period: Period, reason: RevisionReason) -> Revision:
        """Store *period* as it is now beside what was frozen; raises FreezeRefused, HistoryRefused."""
        newest = self._folder.record(period.label)
        if newest is None:
            raise not_frozen(period)
        return self._set_down(period, newest, reason)

    def recompute(
        self, period: Period, number: int | None = None
    ) -> tuple[list[Verdict], list[FileVerdict]]:
        """Compute a stored month again from the rows stored with it, by its terms and its as-of.

        Bytes that were lost or altered are put back where they come out equal. Raises
        FreezeRefused, HistoryRefused.
        """
        kept = self.known(period, number)
        rows = kept.revision.files[0]
        found = self._rows_again(kept, period)
        if found != rows.sha256:
            raise FreezeRefused(
                FreezeRefusal.BODY_DELETED,
                f"the rows {period.label} was counted from are gone or altered, and what is "
                f"imported now is not the same: put {self._folder.path(kept, ROWS)} back from a copy",
            )
        with self._replayed(kept) as scope:
            made = _computed(scope, period)
        verdicts = [
            verdict_of(frozen, made.get(str(frozen.sheet)) or Made(frozen.sheet, 0, b""))
            for frozen in kept.revision.sheets
        ]
        self._put_back(kept, verdicts, made)
        return verdicts, [FileVerdict(rows, found)]

    def compare(self, period: Period, number: int = 0, other: int | None = None) -> list[Compared]:
        """Compare revision *number* with *other*, None: with what is imported now.

        Raises FreezeRefused, HistoryRefused.
        """
        before = self._bodies(self.known(period, number))
        if other is None:
            made = _computed(self._judged(period, self.known(period, number)), period)
            after = {name: each.body for name, each in made.items() if not each.sheet.published}
            sheets = {name: each.sheet for name, each in made.items()}
        else:
            kept = self.known(period, other)
            after = self._bodies(kept)
            sheets = {str(each.sheet): each.sheet for each in kept.revision.sheets}
        sheets |= {
            str(each.sheet): each.sheet for each in self.known(period, number).revision.sheets
        }
        return [
            Compared(sheets[name], differences(_figures(before, name), _figures(after, name)))
            for name in [*before, *(name for name in after if name not in before)]
        ]

    def drift(self, period: Period) -> tuple[Revision, Drift] | None:
        """Return the newest revision of *period* and what differs now; None: it is not frozen."""
        kept = self._folder.record(period.label)
        if kept is None:
            return None
        return kept.revision, self._drift(kept, period)

    def known(self, period: Period, number: int | None = None) -> LocalMonth:
        """Return revision *number*, None: the newest; raises FreezeRefused."""
        found = self._folder.record(period.label, number)
        if found is not None:
            return found
        if number is not None and self._folder.record(period.label):
            raise FreezeRefused(
                FreezeRefusal.UNKNOWN_REVISION, f"{period.label} has no revision {number}"
            )
        raise not_frozen(period)

    def revisions(self, period: Period) -> list[Revision]:
        """Return what is stored of *period*, the freeze first."""
        newest = self._folder.record(period.label)
        numbers = range(newest.revision.number + 1) if newest else ()
        return [self.known(period, number).revision for number in numbers]

    def _set_down(
        self, period: Period, newest: LocalMonth | None, reason: RevisionReason | None
    ) -> Revision:
        before = newest.revision if newest else None
        scope = self._judged(period, newest)
        tables = HistoryTables(scope, period)
        if before is None and not tables.basis.files:
            raise FreezeRefused(
                FreezeRefusal.NOT_IMPORTED,
                f"nothing of {period.label} was imported for region {self._scope.region}: "
                "`import` its file first",
            )
        made = _computed(scope, period)
        sheets = [
            FrozenSheet(sheet=s.sheet, formula=s.formula, sha256=hash_of(s.body))
            for s in made.values()
        ]
        if before is not None and refuse_revision(before, changed=sheets != before.sheets):
            raise FreezeRefused(
                FreezeRefusal.NOTHING_CHANGED,
                f"{period.label} is what its newest revision says",
            )
        with self._folder.draft(period.label) as draft:
            rows = _written(scope, period, draft / ROWS)
            for each in made.values():
                write(draft / name_of(each.sheet), each.body)
            revision = Revision(
                month=period.label,
                number=next_number(before),
                at=self._now(),
                reason=reason,
                epoch=max(scope.files),
                offsets={},
                pack_stamp=tables.pack.stamp,
                pack_sha256=hash_of(packed(tables.pack)),
                sheets=sheets,
                files=[rows],
            )
            if not self._folder.keep(draft, self._local(revision, scope)):
                raise FreezeRefused(
                    FreezeRefusal.ALREADY_FROZEN if before is None else FreezeRefusal.OVERTAKEN,
                    f"another stored revision {revision.number} of {period.label} meanwhile",
                )
        return revision

    def _judged(self, period: Period, kept: LocalMonth | None) -> Scope:
        """Return the history as a month is stored from it: later months change nothing of it.

        Open cases stay judged at the as-of of what was stored, if that was after the month and
        nobody gave another.
        """
        scope = self._scope
        as_of, origin = scope.as_of, scope.as_of_from
        if kept is not None and kept.as_of >= period.end and origin != "option":
            as_of, origin = kept.as_of, kept.as_of_from
        until = scope.counted_until
        if until is not None and until >= _last_midnight(period):
            until = period.end
        since = scope.counted_from
        if since is not None and all(begun(scope.basis(period), each) for each in _earlier(period)):
            since = None
        return _as(scope, as_of, origin, (since, until))

    def _local(self, revision: Revision, scope: Scope) -> LocalMonth:
        return LocalMonth(
            revision=revision,
            region=scope.region,
            as_of=scope.as_of,
            as_of_from=scope.as_of_from,
            counted_until=scope.counted_until,
            counted_from=scope.counted_from,
            sources=self._sources(),
        )

    def _sources(self) -> list[Source]:
        known = self._scope.db.execute(
            "SELECT file, digest FROM files WHERE region = ? ORDER BY file", [self._scope.region]
        ).fetchall()
        files = self._scope.files
        return [
            Source(
                number=number,
                sha256=sha256,
                mapping_sha256=hash_of(msgspec.json.encode(files[number], order="deterministic")),
                terms=files[number],
            )
            for number, sha256 in known
        ]

    def _bodies(self, kept: LocalMonth) -> dict[str, bytes]:
        found = {}
        for each in kept.revision.sheets:
            if each.sheet.published:
                continue
            body = self._folder.body(kept, name_of(each.sheet), each.sha256)
            if body is None:
                month, number = kept.revision.month, kept.revision.number
                raise FreezeRefused(
                    FreezeRefusal.BODY_DELETED,
                    f"{each.sheet} of {month} was deleted or altered: `recompute {month} "
                    f"--revision {number}` puts it back",
                )
            found[str(each.sheet)] = body
        return found

    def _put_back(self, kept: LocalMonth, verdicts: list[Verdict], made: dict[str, Made]) -> None:
        for verdict in verdicts:
            name = name_of(verdict.sheet)
            if verdict.same and self._folder.body(kept, name, verdict.stored) is None:
                self._folder.put_back(kept, name, made[str(verdict.sheet)].body)

    def _rows_again(self, kept: LocalMonth, period: Period) -> str:
        """Return the hash of the stored rows; lost or altered ones are taken from the history."""
        path = self._folder.path(kept, ROWS)
        rows = kept.revision.files[0]
        if path.exists() and (found := digest(path)) == rows.sha256:
            return found
        with self._folder.draft(period.label) as draft:
            written = _written(self._scope, period, draft / ROWS)
            if written.sha256 == rows.sha256:
                (draft / ROWS).replace(path)
            return written.sha256

    @contextmanager
    def _replayed(self, kept: LocalMonth) -> Iterator[Scope]:
        """Give the history as it was when a month was stored."""
        path = self._folder.path(kept, ROWS)
        with TemporaryDirectory() as place, opened(Path(place), write=True) as db:
            db.execute(f"CREATE TABLE cases AS SELECT * FROM {_reading(path)}")
            offsets(db, "utc_steps", utc_steps(self._scope.zone))
            files = {each.number: each.terms for each in kept.sources}
            scope = replace(self._scope, db=db, files=files)
            yield _as(scope, kept.as_of, kept.as_of_from, (kept.counted_from, kept.counted_until))

    def _drift(self, kept: LocalMonth, period: Period) -> Drift:
        path = self._folder.path(kept, ROWS)
        if not path.exists() or digest(path) != kept.revision.files[0].sha256:
            raise FreezeRefused(
                FreezeRefusal.BODY_DELETED,
                f"{path} is gone or altered: `recompute {period.label}` puts it back",
            )
        db = self._scope.db
        now, then = "now_rows", "then_rows"
        db.execute(f"CREATE OR REPLACE TEMP TABLE {now} AS {_rows(self._scope, period)}")
        db.execute(
            f"CREATE OR REPLACE TEMP TABLE {then} AS SELECT * EXCLUDE (file) FROM {_reading(path)}"
        )
        db.execute(f"ALTER TABLE {now} DROP COLUMN file")
        new = _count(db, f"{now} ANTI JOIN {then} USING (id)")
        gone = _count(db, f"{then} ANTI JOIN {now} USING (id)")
        different = _count(db, f"(FROM {now} EXCEPT FROM {then})")
        sources = [(each.number, each.mapping_sha256) for each in kept.sources]
        latest = {each.number: each.mapping_sha256 for each in self._sources()}
        return Drift(
            new=new,
            changed=different - new,
            gone=gone,
            mappings=any(latest.get(number) != terms for number, terms in sources),
            judged_at=kept.as_of != self._judged(period, kept).as_of,
        )


def _earlier(period: Period) -> list[Period]:
    return [each for each in (period_before(period), year_before(period)) if each]


Span = tuple[datetime | None, datetime | None]
"""From when (None: early enough) and until when there are data."""


def _as(scope: Scope, as_of: datetime, origin: str, span: Span) -> Scope:
    """Return *scope* judged at *as_of*, its data of *span*; its newest stamp is left out."""
    since, until = span
    return replace(
        scope,
        as_of=as_of,
        as_of_from=origin,
        latest=None,
        counted_until=until,
        counted_from=since,
    )


def _last_midnight(period: Period) -> datetime:
    """Return the begin (UTC) of the last local day of *period*."""
    last = (period.end.astimezone(period.zone) - timedelta(microseconds=1)).date()
    return datetime.combine(last, time(), period.zone).astimezone(UTC)


def _computed(scope: Scope, period: Period) -> dict[str, Made]:
    """Return every table the columns can answer, for the desk and as it is published."""
    made = []
    for population in Population:
        ours = replace(scope, population=population)
        tables = HistoryTables(ours, period)
        for asked in Asked:
            if asked is not Asked.ASSESSMENT:
                made += _both(tables, asked, population)
        figure = history_months.computed(ours, period)
        for published in (False, True):
            shown = published_month(figure) if published else figure
            body = msgspec.json.format(msgspec.json.encode(shown), indent=2) + b"\n"
            made.append(Made(_sheet(MONTH, population, published=published), FORMULA, body))
    return {str(each.sheet): each for each in made}


def _both(tables: HistoryTables, asked: Asked, population: Population) -> list[Made]:
    found = []
    for published in (False, True):
        try:
            table = tables.table(asked, published=published)
        except HistoryRefused:
            # no column answers it; `month` says which one would
            return []
        sheet = _sheet(asked, population, published=published)
        found.append(Made(sheet, table.heading.formula, canonical(table)))
    return found


def _sheet(table: str, population: Population, *, published: bool) -> Sheet:
    return Sheet(table=str(table), population=population, published=published)


def _figures(bodies: dict[str, bytes], name: str) -> dict[str, Figure]:
    return figures(bodies[name]) if name in bodies else {}


def _rows(scope: Scope, period: Period) -> str:
    """Return the query of every row the tables of *period* rest on, in the order of their ids."""
    # limits that end in the period may belong to cases of any month
    _ = HistoryTables(scope, period).months
    spans = [
        f"{column} >= TIMESTAMP '{stored(each.start)}' AND {column} < TIMESTAMP '{stored(each.end)}'"
        for column, periods in (
            ("counted_at", [period, period_before(period), year_before(period)]),
            ("due", [period]),
        )
        for each in periods
        if each is not None
    ]
    owed = "id IN (SELECT incident_id FROM clocks)"
    inside = " OR ".join(f"({each})" for each in [*spans, owed])
    return f"SELECT * FROM cases WHERE region = '{quoted(scope.region)}' AND ({inside}) ORDER BY id"


def _written(scope: Scope, period: Period, path: Path) -> FrozenFile:
    """Write the rows of *period*: same rows, same bytes, by one version of DuckDB."""
    query = _rows(scope, period)
    scope.db.execute("SET threads = 1")
    try:
        scope.db.execute(
            f"COPY ({query}) TO '{quoted(str(path))}' "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROWS_IN_GROUP})"
        )
    finally:
        scope.db.execute(f"SET threads = {THREADS}")
    rows = _count(scope.db, _reading(path))
    return FrozenFile(kind="cases", rows=rows, size=path.stat().st_size, sha256=digest(path))


def _reading(path: Path) -> str:
    return f"read_parquet('{quoted(glob.escape(str(path)))}', hive_partitioning = false)"


def _count(db: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = db.execute(f"SELECT count(*) FROM {relation}").fetchone()
    return int(found[0]) if found else 0
