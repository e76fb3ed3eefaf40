"""Both languages: no label lacks its English, no sentence loses a number in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

from services.reports.adapters.formats import Form, document, render
from services.reports.domain import opening_words, wording
from services.reports.domain.document import Document
from services.reports.domain.english import ENGLISH, TRADE
from services.reports.domain.facts import Facts, Population
from services.reports.domain.report import Report
from services.reports.domain.wording import NoEnglish, Text, listed, named, say, sentence
from services.reports.handlers import Question, Table, compute
from tests.unit.reports.cases import NOVEMBER, xianju
from tests.unit.reports.histories import history
from tests.unit.reports.test_bulletin import QUARTER, made
from tests.unit.reports.test_daily import of_day

DOMAIN = Path(wording.__file__).parent
CHINESE = re.compile(r"[一-鿿]")


def said_words() -> Iterator[str]:
    """Yield every literal a call of `say` can be given, and the words of the mappings."""
    for file in sorted(DOMAIN.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                first = node.args[0]
                branches = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
                for branch in branches:
                    if isinstance(branch, ast.Constant):
                        yield str(branch.value)
    yield from (*opening_words._TOLD, *opening_words._NONE.values())  # noqa: SLF001 - said by number
    for name in ("TABLES", "LINES", "AFFAIRS", "CLOCKS"):
        words: Mapping[str, str] = getattr(wording, name)
        yield from words.values()


@pytest.mark.parametrize("words", sorted(set(said_words())))
def test_no_label_lacks_english(words: str) -> None:
    """Issue 4: Chinese first with an English toggle, every label in both."""
    assert ENGLISH.get(words)


@pytest.mark.parametrize("words", sorted(ENGLISH))
def test_english_keeps_every_number(words: str) -> None:
    """What is filled in in Chinese is filled in in English, in the same form."""

    def places(text: str) -> set[tuple[str, str | None]]:
        return {(name, form) for _, name, form, _ in Formatter().parse(text) if name}

    assert places(words) == places(ENGLISH[words])


@pytest.mark.parametrize("words", sorted({**TRADE, **ENGLISH}))
def test_english_is_english(words: str) -> None:
    """Nothing Chinese is left over but 环比 and 同比 where they are explained."""
    left = {**TRADE, **ENGLISH}[words].replace("环比", "").replace("同比", "")

    assert not CHINESE.search(left)


def test_a_label_without_english_is_an_error() -> None:
    """A new label fails its first test, not a reader."""
    with pytest.raises(NoEnglish):
        say("没有英文的标签")


def test_a_sentence_is_joined_in_both_languages() -> None:
    """Each language has its own marks; a place has one name."""
    words = sentence([say("测试 {count} 起", count=3), listed([say("有效"), "安洲街道"])])

    assert words == "测试 3 起；有效、安洲街道。"
    assert "3 tests; Valid, 安洲街道." == words.en


def test_names_have_english_where_the_trade_has() -> None:
    """Categories and hours are said in English, places and units stay as they are called."""
    traffic, hour = named("交通事件"), named("08 时")

    assert isinstance(traffic, Text)
    assert "Traffic" == traffic.en
    assert isinstance(hour, Text)
    assert "08:00" == hour.en
    assert not isinstance(named("安洲街道"), Text)


@cache
def facts_of_a_month() -> Facts:
    """Return a month of believable facts."""
    return history(NOVEMBER, 300)


def reports() -> Iterator[Report]:
    """Yield one of every table."""
    for table in Table:
        yield compute(Question(table, NOVEMBER, Population.REAL), facts_of_a_month(), xianju())
    yield made(QUARTER)
    yield of_day()


def labels(shown: Document) -> Iterator[str]:
    """Yield everything that is not a cell of the region's own names."""
    yield from (shown.title, shown.subtitle, *shown.summary, *shown.footnotes, *shown.signature)
    for grid in shown.grids:
        yield from (grid.caption, grid.part, *grid.notes)
        yield from (text for column in grid.columns for text in (column.name, column.group))
        yield str(grid.total[0]) if grid.total and not isinstance(grid.total[0], Text) else ""


def test_every_label_of_every_table_has_english() -> None:
    """What a reader sees under the toggle: no Chinese label is left."""
    bare = {
        label
        for report in reports()
        for label in labels(document(report))
        if CHINESE.search(label) and not isinstance(label, Text)
    }

    assert not bare


def test_the_page_toggles_without_a_script() -> None:
    """Two radio buttons and a style sheet; Chinese is what is seen first."""
    page = render(made(QUARTER), Form.HTML).decode()

    assert '<html lang="zh-CN">' in page
    assert re.search(r'id="zh"[^>]* checked', page)
    assert not re.search(r'id="en"[^>]* checked', page)
    assert "#en:checked ~ main .zh { display: none; }" in page.replace(".en, ", "")
    assert "<script" not in page
