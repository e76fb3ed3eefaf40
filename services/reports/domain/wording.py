"""The words of the tables: Chinese as their readers expect it (FIGURES), each with its English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

from services.reports.domain.english import ENGLISH, TRADE
from services.reports.domain.facts import Population
from shared.contracts.pack import AffairClass
from shared.contracts.sla import ClockKind
from shared.contracts.values import Line


class Text(str):
    """What a person reads: the string itself is Chinese, `en` says the same in English."""

    __slots__ = ("en",)
    en: str

    def __new__(cls, chinese: str, english: str) -> Self:
        text = super().__new__(cls, chinese)
        text.en = english
        return text


class NoEnglish(KeyError):
    """A label without its English: add it to `english.py`."""


def say(chinese: str, **values: object) -> Text:
    """Return a label or sentence in both languages, its `{places}` filled; raises NoEnglish."""
    if chinese not in ENGLISH:
        raise NoEnglish(chinese)
    in_english = {name: english(value) for name, value in values.items()}
    return Text(chinese.format(**values), ENGLISH[chinese].format(**in_english))


def english(value: object) -> object:
    """Return the English of a text, anything else as it is (a pack's names stay Chinese)."""
    return value.en if isinstance(value, Text) else value


def named(name: str) -> str:
    """Return a name out of a table with its English where it has one; a place or unit has none."""
    if isinstance(name, Text):
        return name
    known = TRADE.get(name) or ENGLISH.get(name)
    if known is None and name.endswith(" 时"):
        known = f"{name.removesuffix(' 时')}:00"
    return name if known is None else Text(name, known)


def sentence(parts: Iterable[str]) -> Text:
    """Join clauses to one sentence: ；between them, 。at the end."""
    found = list(parts)
    return Text("；".join(found) + "。", "; ".join(str(english(each)) for each in found) + ".")


def listed(parts: Iterable[str]) -> Text:
    """Join things of one kind: 、between them."""
    found = list(parts)
    return Text("、".join(found), ", ".join(str(english(each)) for each in found))


TABLES: Mapping[str, str] = {
    "T1": "接警与联动情况总表",
    "T2": "分类同比环比统计表",
    "T3": "单位时效统计表",
    "T4": "分中心分类处置统计表",
    "T5": "超期清单",
    "T6": "信息报送台账",
    "T7": "双反馈缺项表",
    "T8": "数据质量表",
    "T9": "应急联动工作情况通报",
    "T10": "应急联动考核通报",
    "T10Y": "应急联动考核通报及年终总评排名",
    "D": "应急联动工作日报",
    "P30": "“五个一”工作清单",
    "A": "单位考核表",
    "K": "指标一览表",
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
