"""The assessment of units from imported history: the pure functions over the cases of two months."""

from __future__ import annotations

from services.reports.adapters.history_cases import cases_of
from services.reports.adapters.history_scope import Scope
from services.reports.adapters.history_source import HistoryRefused
from services.reports.adapters.history_tables import HistoryTables
from services.reports.domain.assessment import AssessmentTable, assessment
from services.reports.domain.earlier import period_before
from services.reports.domain.facts import Facts
from services.reports.domain.history_facts import facts_of
from services.reports.domain.history_notes import begun
from services.reports.domain.history_pack import pack_of
from services.reports.domain.history_tables import Asked, lacking
from services.reports.domain.period import Period
from services.reports.domain.wording import Text

_DUE = "id IN (SELECT incident_id FROM clocks)"


def assessed(scope: Scope, period: Period) -> tuple[AssessmentTable, list[Text]]:
    """Return the assessment of *period*, classes by the one before, and what a reader has to know.

    Satisfaction, reporting and rework owe nothing: no column says them. Raises HistoryRefused.
    """
    before = period_before(period)
    tables = HistoryTables(scope, period)
    if wanted := lacking(Asked.ASSESSMENT, tables.basis):
        raise HistoryRefused(f"the assessment needs what the mapping does not name: {wanted}")
    now, then = _facts(scope, period), _facts(scope, before)
    units = {duty.unit for facts in (now, then) for duty in facts.assignments if duty.unit}
    pack = pack_of(scope.region, tables.basis, units=units)
    classed = scope.known(before) and begun(tables.basis, before)
    found = assessment(now, then, (period, before), scope.population, pack)
    return found, [*([] if classed else [unclassed(period)]), *tables.notes()]


def unclassed(period: Period) -> Text:
    """Say that units have no workload classes: the period before gives them."""
    before = period_before(period).label
    return Text(
        f"上期（{before}）未导入或不全，无从按工作量分类：各单位的类别、类内排名不成立。",
        f"{before} was not imported or not wholly: units have no workload classes, nor ranks in them.",
    )


def _facts(scope: Scope, period: Period) -> Facts:
    tables = HistoryTables(scope, period)
    _ = tables.months
    return facts_of(cases_of(scope, _DUE), tables.basis, scope.zone)
