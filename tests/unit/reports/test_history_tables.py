"""The tables of imported history: sets and pure functions agree, and what cannot be answered says why."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.reports.adapters import history
from services.reports.adapters.history_cases import cases_of
from services.reports.adapters.history_scope import scope_of
from services.reports.adapters.history_source import HistoryRefused
from services.reports.adapters.history_tables import HistoryTables
from services.reports.domain import period as periods
from services.reports.domain.facts import Facts, Population
from services.reports.domain.history_facts import facts_of
from services.reports.domain.history_key_figures import Labels, history_figures
from services.reports.domain.history_mapping import Columns, Limits, Mapping
from services.reports.domain.history_month import month
from services.reports.domain.history_notes import complete
from services.reports.domain.history_rows import cases
from services.reports.domain.history_tables import Asked, fitted
from services.reports.domain.report import Report
from services.reports.handlers import Question, Table, compute
from tests.unit.reports import history_files
from tests.unit.reports.history_files import JUDGED, JUDGED_UNITS, ROWS, row
from tests.unit.reports.test_history_agreement import ROW

NO_LIMITS = replace(JUDGED, limits=Limits(), urgent=None)
KINDS = [
    row(
        no=str(n), what=what, where=where, out="2015-11-02 08:00:00", left=f"2015-11-02 08:0{n}:00",
        done="2015-11-02 09:00:00", due="2015-11-02 08:30:00" if n % 2 else "",
        verdict="OK" if n % 3 else "LATE",
    )
    for n, (what, where) in enumerate(
        (what, where)
        for what in ("ems: fall", "fire", "a:b:c", "flood", "")
        for where in ("x\ty", "NORTH")
    )
]  # fmt: skip
"""A case of each affair class, sub-centre and verdict, turned out after 0 to 9 minutes."""
TABLES = [table for table in Asked if table is not Asked.ASSESSMENT]


@given(
    rows=st.lists(ROW, max_size=25),
    mapping=st.sampled_from([JUDGED, JUDGED_UNITS, NO_LIMITS]),
    population=st.sampled_from(Population),
    published=st.booleans(),
)
@example(rows=KINDS, mapping=JUDGED, population=Population.REAL, published=False)
@example(rows=KINDS, mapping=JUDGED_UNITS, population=Population.REAL, published=False)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_sets_and_pure_functions_agree(
    rows: list[dict[str, str]], mapping: Mapping, population: Population, published: bool
) -> None:
    """Every table of every population, published or not, is what the platform's functions compute."""
    pure, _ = cases(rows, mapping, "county")
    with TemporaryDirectory() as place:
        folder = Path(place)
        file = history_files.written(folder / "in.csv", rows)
        history_files.load(file, folder / "kept", mapping)
        with history.opened(folder / "kept", write=False) as db:
            scope = scope_of(db, None, None, population)
            for label in ("2015-10", "2015-11"):
                period = periods.month(label, scope.zone)
                tables = HistoryTables(scope, period)
                if not tables.basis.files:
                    continue
                facts = facts_of(pure, tables.basis, scope.zone)
                counts = month(pure, "county", period, tables.basis, population).total.counts
                labels = Labels(
                    different=counts.label_different,
                    labelled=counts.label_equal + counts.label_different,
                    blank=counts.label_blank,
                )

                assert sorted(pure, key=lambda c: str(c.id)) == cases_of(scope, "true")
                for table in TABLES:
                    question = Question(Table(table), period, population, published)
                    one_by_one = fitted(
                        _computed(question, facts, tables, labels), tables.basis, last_year=False
                    )
                    ours = tables.table(table, published=published)
                    if table is Asked.OVERVIEW and not complete(tables.basis, period):
                        # facts do not say where data end: what is compared is (test_history_answers)
                        one_by_one, ours = (
                            replace(one_by_one, opening=None),
                            replace(ours, opening=None),
                        )

                    assert one_by_one == ours


def _computed(question: Question, facts: Facts, tables: HistoryTables, labels: Labels) -> Report:
    if question.table is not Table.FIGURES:
        return compute(question, facts, tables.pack)
    return history_figures(
        facts,
        question.period,
        question.population,
        (tables.basis, tables.pack, labels),
        published=question.published,
    )


def opened(folder: Path, mapping: Mapping, *rows: dict[str, str]) -> history.Imported:
    """Import *rows* into *folder*."""
    return history_files.load(history_files.written(folder / "a.csv", rows), folder / "h", mapping)


def asked(folder: Path, table: Asked, label: str = "2015-11") -> object:
    """Return the table of a month of what was imported into *folder*."""
    with history.opened(folder / "h", write=False) as db:
        scope = scope_of(db, None, None)
        return HistoryTables(scope, periods.month(label, scope.zone)).table(table)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (Asked.CATEGORIES, r"columns\.category or columns\.kind"),
        (Asked.UNITS, r"columns\.unit or columns\.department; columns\.due, or a limit"),
        (Asked.OVERDUE, r"columns\.due, or a limit"),
        (Asked.TIERS, r"columns\.area; affairs"),
        (Asked.GAPS, r"columns\.arrived; columns\.closed"),
    ],
)
def test_a_table_says_what_the_mapping_lacks(tmp_path: Path, table: Asked, said: str) -> None:
    """Never an empty table: the column that would be needed is named."""
    opened(tmp_path, replace(ROWS, columns=Columns(received="in"), label=None), row())

    with pytest.raises(HistoryRefused, match=said):
        asked(tmp_path, table)


def test_a_month_that_was_not_imported_is_no_empty_table(tmp_path: Path) -> None:
    """Nothing is known of it, which is not zero."""
    opened(tmp_path, JUDGED, row())

    with pytest.raises(HistoryRefused, match="nothing of 2014-11 was imported"):
        asked(tmp_path, Asked.OVERVIEW, "2014-11")
