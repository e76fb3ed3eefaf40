"""The forms a table comes in; what a form needs is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from services.reports.adapters.csv_file import csv_file
from services.reports.domain.assessment import AssessmentTable
from services.reports.domain.assessment_document import assessment_document
from services.reports.domain.bulletin import Bulletin
from services.reports.domain.bulletin_document import bulletin_document
from services.reports.domain.canonical import canonical
from services.reports.domain.category_document import category_document
from services.reports.domain.category_months import CategoryTable
from services.reports.domain.checklist import Checklist
from services.reports.domain.checklist_document import checklist_document
from services.reports.domain.daily import Daily
from services.reports.domain.daily_document import daily_document
from services.reports.domain.document import Document
from services.reports.domain.gaps import GapTable
from services.reports.domain.gaps_document import gaps_document
from services.reports.domain.key_figures import FigureTable
from services.reports.domain.key_figures_document import figure_document
from services.reports.domain.overdue import OverdueTable
from services.reports.domain.overdue_document import overdue_document
from services.reports.domain.overview import Overview
from services.reports.domain.overview_document import overview_document
from services.reports.domain.quality import QualityTable
from services.reports.domain.quality_document import quality_document
from services.reports.domain.report import Report
from services.reports.domain.tier_affairs import TierTable
from services.reports.domain.tier_affairs_document import tier_document
from services.reports.domain.units import UnitTable
from services.reports.domain.units_document import units_document
from services.reports.domain.upward_reports import ReportLedger
from services.reports.domain.upward_reports_document import ledger_document
from services.reports.handlers import Table


class Form(StrEnum):
    """What a reader can ask for."""

    JSON = "json"
    HTML = "html"
    XLSX = "xlsx"
    CSV = "csv"

    @property
    def media_type(self) -> str:
        """Return the content type with its character set."""
        return _MEDIA[self]


_MEDIA = {
    Form.JSON: "application/json; charset=utf-8",
    Form.HTML: "text/html; charset=utf-8",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.CSV: "text/csv; charset=utf-8",
}


KINDS: Mapping[Table, type[Report]] = {
    Table.OVERVIEW: Overview,
    Table.CATEGORIES: CategoryTable,
    Table.UNITS: UnitTable,
    Table.TIERS: TierTable,
    Table.OVERDUE: OverdueTable,
    Table.REPORTS: ReportLedger,
    Table.GAPS: GapTable,
    Table.QUALITY: QualityTable,
    Table.FIGURES: FigureTable,
}
"""What the JSON of each table is read as."""


def accepted(header: str | None) -> Form:
    """Return the form an Accept header asks for: the first one we have, else JSON."""
    for part in (header or "").split(","):
        wanted = part.partition(";")[0].strip().lower()
        for form in Form:
            if wanted and form.media_type.startswith(wanted):
                return form
    return Form.JSON


def render(table: Report, form: Form) -> bytes:
    """Return *table* as bytes: the same figures always give the same ones."""
    match form:
        case Form.JSON:
            return canonical(table)
        case Form.HTML:
            from services.reports.adapters.page import page  # noqa: PLC0415 - jinja2 stays out of an idle service

            return page(document(table))
        case Form.XLSX:
            from services.reports.adapters.workbook import workbook  # noqa: PLC0415 - the same for xlsxwriter

            return workbook(document(table))
        case Form.CSV:
            return csv_file(document(table))


def document(table: Report) -> Document:
    """Return *table* as a report to read."""
    return _DOCUMENTS[type(table)](table)


_DOCUMENTS: Mapping[type[Report], Callable[[Any], Document]] = {
    Overview: overview_document,
    CategoryTable: category_document,
    UnitTable: units_document,
    TierTable: tier_document,
    OverdueTable: overdue_document,
    ReportLedger: ledger_document,
    GapTable: gaps_document,
    QualityTable: quality_document,
    FigureTable: figure_document,
    AssessmentTable: assessment_document,
    Bulletin: bulletin_document,
    Daily: daily_document,
    Checklist: checklist_document,
}
