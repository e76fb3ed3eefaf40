"""Every table reports computes, as one type."""

from __future__ import annotations

from services.reports.domain.assessment import AssessmentTable
from services.reports.domain.bulletin import Bulletin
from services.reports.domain.category_months import CategoryTable
from services.reports.domain.checklist import Checklist
from services.reports.domain.daily import Daily
from services.reports.domain.gaps import GapTable
from services.reports.domain.key_figures import FigureTable
from services.reports.domain.overdue import OverdueTable
from services.reports.domain.overview import Overview
from services.reports.domain.quality import QualityTable
from services.reports.domain.tier_affairs import TierTable
from services.reports.domain.units import UnitTable
from services.reports.domain.upward_reports import ReportLedger

Report = (
    Overview
    | CategoryTable
    | UnitTable
    | TierTable
    | OverdueTable
    | ReportLedger
    | GapTable
    | QualityTable
    | FigureTable
    | AssessmentTable
    | Bulletin
    | Daily
    | Checklist
)
