"""Chinese words that readers of the tables expect (FIGURES)."""

from __future__ import annotations

from collections.abc import Mapping

from services.reports.domain.facts import Population
from shared.contracts.pack import AffairClass
from shared.contracts.sla import ClockKind
from shared.contracts.values import Line

TABLES: Mapping[str, str] = {
    "T1": "接警与联动情况总表",
    "T2": "分类同比环比统计表",
    "T3": "单位时效统计表",
    "T5": "超期清单",
    "T7": "双反馈缺项表",
    "T8": "数据质量表",
    "A": "单位考核表",
}

POPULATIONS: Mapping[Population, str] = {Population.REAL: "", Population.EXERCISE: "（演练）"}

LINES: Mapping[str, str] = {
    Line.POLICE: "110 报警",
    Line.FIRE: "119 火警",
    Line.TRAFFIC: "122 交通",
    Line.GOVERNMENT: "12345 热线",
    Line.OTHER: "其他来源",
}

AFFAIRS: Mapping[str, str] = {
    AffairClass.EMERGENCY: "应急事件",
    AffairClass.PUBLIC_ORDER: "治安警情",
    AffairClass.CITY_MANAGEMENT: "城市管理",
    AffairClass.LIVELIHOOD: "民生服务",
}

CLOCKS: Mapping[str, str] = {
    ClockKind.ACK: "签收",
    ClockKind.ARRIVAL: "到场",
    ClockKind.ASSEMBLY: "集结",
    ClockKind.FEEDBACK: "反馈",
    ClockKind.HANDLE: "处置",
}
