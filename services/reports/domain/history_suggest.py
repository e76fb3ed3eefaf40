"""A mapping to start from: what the columns of an unknown CSV look like they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.reports.domain.history_mapping import Dimension, Stamp
from services.reports.domain.history_time import local_time

FORMS = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%z",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%m/%d/%y %H:%M",
    "%Y-%m-%d",
    "%m/%d/%Y",
]
"""Forms in use, tried in this order; day before month only where no month first fits."""

_STAMPS: Mapping[Stamp, str] = {
    Stamp.DUE: r"due|target|deadline|sla|limit|时限|应.*时间|到期|截止",
    Stamp.RECEIVED: r"received|open|creat|request|queued|call.*(time|date)|reported|报警|接警|受理|来电|留言时间|登记|timestamp",
    Stamp.DISPATCHED: r"dispatch|assign|派遣|派警|派单|出动命令",
    Stamp.ACKED: r"ack|accept|签收|接收",
    Stamp.TURNED_OUT: r"turnout|en ?route|response|出警|出动",
    Stamp.ARRIVED: r"on.?scene|at.?scene|arriv|到场|到达",
    Stamp.FED_BACK: r"feedback|反馈",
    Stamp.CLOSED: r"clos|clear|resol|finish|complet|available|end|办结|结案|处结|完成",
}
_DIMENSIONS: Mapping[Dimension, str] = {
    Dimension.DEPARTMENT: r"department|agency|dept|承办|部门|单位",
    Dimension.CATEGORY: r"categor|group|reason|一级|大类|类别|complaint type",
    Dimension.KIND: r"type|kind|descri|nature|二级|小类|类型",
    Dimension.AREA: r"neighbo|area|district|borough|sector|battalion|twp|town|ward|precinct|区|镇|街道|乡",
    Dimension.SOURCE: r"source|channel|来源|渠道|方式",
    Dimension.PRIORITY: r"priorit|severity|urgen|紧急|级别|等级",
}
_TIME = r"date|time|due|_dt$|dttm|时间|日期|时限"
_WITHOUT = {
    Stamp.RECEIVED: "another stamp has to be `counted_by`",
    Stamp.CLOSED: "every case is open",
    Stamp.DUE: "nothing is overdue, unless by `limits`",
}
_KEY = r"(^|[ _])(id|no|number|key|code)($|[ _.])|_id$|number|key$|编号|单号|案号"
_PERSONAL = re.compile(
    r"phone|mobile|caller|contact|name$|user|address|addr|lat|lon|lng|电话|手机|姓名|联系|用户|地址|详情|内容",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Column:
    """A column's name and some of its values, blank ones left out."""

    name: str
    values: Sequence[str]


def suggestion(columns: Sequence[Column], *, encoding: str, delimiter: str) -> str:
    """Return a mapping as YAML; what cannot be known from the file is marked to be checked."""
    return "\n".join(_lines(columns, encoding, delimiter)) + "\n"


def _lines(columns: Sequence[Column], encoding: str, delimiter: str) -> Iterator[str]:
    times = {c.name: form for c in columns if (form := _form(c.values))}
    stamps = _matched(list(times), _STAMPS)
    # a column whose rows are all blank can only be known by its name
    bare = [c.name for c in columns if not c.values and re.search(_TIME, c.name, re.IGNORECASE)]
    blank = {s: n for s, n in _matched(bare, _STAMPS).items() if s not in stamps}
    if Stamp.RECEIVED not in stamps and times:
        free = [name for name in times if name not in stamps.values()]
        if free:
            stamps[Stamp.RECEIVED] = free[0]
    texts = [c.name for c in columns if c.name not in times and not _PERSONAL.search(c.name)]
    keys = [name for name in texts if re.search(_KEY, name, re.IGNORECASE)]
    key = next((name for name in keys if _distinct(name, columns)), None)
    yield "# A start: check every line, then `import FILE --mapping THIS --dry-run`."
    yield "time_zone: Asia/Shanghai # CHECK: the zone the times were written in"
    forms = list(dict.fromkeys(times.values())) or ["%Y-%m-%d %H:%M:%S"]
    yield f"time_formats: [{', '.join(map(_quoted, forms))}]"
    yield f"key: [{_quoted(key or (texts[0] if texts else 'CHECK'))}] # CHECK: what names a case"
    counted = Stamp.RECEIVED if Stamp.RECEIVED in stamps else next(iter(stamps), Stamp.RECEIVED)
    if counted is not Stamp.RECEIVED:
        yield f"counted_by: {counted}"
    if encoding != "utf-8":
        yield f"encoding: {encoding}"
    if delimiter != ",":
        yield f"delimiter: {_quoted(delimiter)}"
    yield "columns:"
    yield from _stamps(stamps, blank)
    if key:
        yield f"  number: {_quoted(key)} # CHECK: what cases are listed by; never a person's number"
    free = [name for name in texts if name != key and name not in keys]
    for dimension, name in _matched(free, _DIMENSIONS).items():
        yield f"  {dimension}: {_quoted(name)}"
    known = {*stamps, *blank}
    yield from (
        f"# CHECK: no column for {s} was found; without it {_WITHOUT[s]}"
        for s in _WITHOUT
        if s not in known
    )
    unread = [name for name in times if name not in stamps.values()]
    if unread:
        yield f"# times not used: {', '.join(unread)}"


def _stamps(stamps: Mapping[Stamp, str], blank: Mapping[Stamp, str]) -> Iterator[str]:
    for stamp in Stamp:
        if stamp in stamps:
            yield f"  {stamp}: {_quoted(stamps[stamp])}"
        elif stamp in blank:
            yield f"  {stamp}: {_quoted(blank[stamp])} # CHECK: blank in the rows read"


def _matched(names: Sequence[str], words: Mapping[Stamp, str] | Mapping[Dimension, str]) -> dict:  # type: ignore[type-arg]
    found: dict[object, str] = {}
    for what, pattern in words.items():
        name = next(
            (n for n in names if n not in found.values() and re.search(pattern, n, re.IGNORECASE)),
            None,
        )
        if name is not None:
            found[what] = name
    return found


def _form(values: Sequence[str]) -> str | None:
    """Return the first form that every value has; None: they are no times."""
    if not values:
        return None
    return next((f for f in FORMS if all(local_time(value, [f]) for value in values)), None)


def _distinct(name: str, columns: Sequence[Column]) -> bool:
    values = next(c.values for c in columns if c.name == name)
    return len(set(values)) == len(values) > 0


def _quoted(text: str) -> str:
    if text == "\t":
        return '"\\t"'
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
