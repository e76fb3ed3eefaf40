"""One region of imported history: its zone, its files and what a period of it is counted by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb

from services.reports.adapters.history import files_of, offsets
from services.reports.adapters.history_source import HistoryRefused
from services.reports.adapters.history_sql import stored
from services.reports.domain.facts import Population
from services.reports.domain.history_mapping import Beside, Stamp
from services.reports.domain.history_terms import Basis, Ends, Terms, basis_of
from services.reports.domain.history_time import utc_steps
from services.reports.domain.period import Period


@dataclass(frozen=True)
class Scope:
    """A region's cases of one population, judged at `as_of` (UTC)."""

    db: duckdb.DuckDBPyConnection
    region: str
    population: Population
    zone: ZoneInfo
    files: dict[int, Terms]
    as_of: datetime
    as_of_from: str
    latest: datetime | None
    counted_until: datetime | None
    counted_from: datetime | None = None

    def basis(self, *periods: Period) -> Basis:
        """Return what *periods* are counted by, as the files say that brought their cases."""
        found: set[int] = set()
        for period in periods:
            bounds = [self.region, *([stored(period.start), stored(period.end)] * 2)]
            rows = self.db.execute(
                "SELECT DISTINCT file FROM cases WHERE region = ? "
                "AND (counted_at >= ? AND counted_at < ? OR due >= ? AND due < ?)",
                bounds,
            ).fetchall()
            found |= {file for (file,) in rows}
        used = [terms for file, terms in self.files.items() if file in found]
        first = next(iter(self.files.values()))
        ends = Ends(self.latest, self.counted_until, self.counted_from)
        return basis_of(self.region, used, first, (self.as_of, self.as_of_from), ends)

    @property
    def stands(self) -> str:
        """Return the condition that a case counts in this population."""
        if self.population is Population.EXERCISE:
            return f"standing = '{Beside.EXERCISE}'"
        return "standing IS NULL"

    def known(self, period: Period | None) -> bool:
        """Say whether anything was imported that is counted in *period*."""
        if period is None:
            return False
        found = self.db.execute(
            "SELECT 1 FROM cases WHERE region = ? AND counted_at >= ? AND counted_at < ? LIMIT 1",
            [self.region, stored(period.start), stored(period.end)],
        ).fetchone()
        return found is not None


def scope_of(
    db: duckdb.DuckDBPyConnection,
    region: str | None,
    as_of: datetime | None,
    population: Population = Population.REAL,
) -> Scope:
    """Return *region* (None: the only one); *as_of* local, None: as known. Raises HistoryRefused."""
    names: Sequence[str] = [
        name for (name,) in db.execute("SELECT DISTINCT region FROM files ORDER BY 1").fetchall()
    ]
    name = names[0] if region is None and len(names) == 1 else region
    if name is None or name not in names:
        said = "more than one region is" if region is None else f"region {region} is not"
        raise HistoryRefused(f"{said} in this history: name one by --region: {', '.join(names)}")
    files = files_of(db, name)
    zone = ZoneInfo(next(iter(files.values())).time_zone)
    offsets(db, "utc_steps", utc_steps(zone))
    ends = _ends(db, name)
    at, origin = _as_of(ends.latest, as_of, files, zone)
    return Scope(db, name, population, zone, files, at, origin, *ends)


def _as_of(
    latest: datetime | None,
    asked: datetime | None,
    files: dict[int, Terms],
    zone: ZoneInfo,
) -> tuple[datetime, str]:
    """Say when open cases are judged: as asked, as the imports said, else at the latest stamp."""
    if asked:
        at = asked if asked.tzinfo else asked.replace(tzinfo=zone, fold=0)
        return at.astimezone(UTC), "option"
    said = [terms.as_of for terms in files.values() if terms.as_of]
    if said:
        return said[-1], "import"
    return latest or datetime.fromtimestamp(0, UTC), "latest stamp"


def _ends(db: duckdb.DuckDBPyConnection, region: str) -> Ends:
    """Return the newest stamp of *region* (due times aside), the newest and oldest a case counts by."""
    seen = ", ".join(s for s in Stamp if s is not Stamp.DUE)
    found = db.execute(
        f"SELECT max(greatest({seen})), max(counted_at), min(counted_at) FROM cases "
        "WHERE region = ?",
        [region],
    ).fetchone()
    return Ends(*(at and at.replace(tzinfo=UTC) for at in found or (None, None, None)))
