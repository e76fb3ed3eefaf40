"""A mapping to start from: what the columns of an unknown CSV look like they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.reports.domain.history_mapping import Dimension, Stamp
from services.reports.domain.history_time import local_time

DAYS = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y%m%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y",
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y",
]  # fmt: skip
"""Forms of a day alone; a time of the day may stand in another column."""
_TIMES = {
    "%H:%M:%S": "(?:2[0-3]|[01]?[0-9]):[0-5][0-9]:[0-5][0-9]",
    "%H:%M": "(?:2[0-3]|[01]?[0-9]):[0-5][0-9]",
    "%I:%M:%S %p": "(?:1[0-2]|0?[1-9]):[0-5][0-9]:[0-5][0-9] [AaPp][Mm]",
    "%I:%M %p": "(?:1[0-2]|0?[1-9]):[0-5][0-9] [AaPp][Mm]",
}
"""Forms of a time of the day alone."""
_DAY_OR_TIME = re.compile(r"date|time|day|日期|时间|时刻", re.IGNORECASE)

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
    "%d %b %Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%d-%b-%y %H:%M",
    *DAYS,
]
"""Forms in use, tried in this order; day before month only where no month first fits."""

_STAMPS: Mapping[Stamp, str] = {
    Stamp.DUE: r"due|target|deadline|sla|limit|时限|应.*时间|到期|截止",
    Stamp.RECEIVED: r"received|open|creat|request|queued|call|reported|报警|接警|受理|来电|诉求时间|留言时间|登记|timestamp",
    Stamp.DISPATCHED: r"dispatch|assign|派遣|派警|派单|出动命令",
    Stamp.ACKED: r"ack|accept|签收|接收",
    Stamp.TURNED_OUT: r"turnout|en ?route|response|出警|出动",
    Stamp.ARRIVED: r"on.?scene|at.?scene|arriv|到场|到达",
    Stamp.FED_BACK: r"feedback|反馈",
    Stamp.CLOSED: r"clos|clear|resol|finish|complet|available|end|办结|结案|处结|完成",
}
_DIMENSIONS: Mapping[Dimension, str] = {
    Dimension.DEPARTMENT: r"department|agency|dept|承办|部门|单位",
    Dimension.CATEGORY: r"categor|group|reason|一级|大类|类别|分类|complaint type",
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


def suggestion(
    columns: Sequence[Column], *, encoding: str, delimiter: str, skip_rows: int = 0
) -> str:
    """Return a mapping as YAML; what cannot be known from the file is marked to be checked."""
    above = [f"encoding: {encoding}"] if encoding != "utf-8" else []
    above += [f"delimiter: {_quoted(delimiter)}"] if delimiter != "," else []
    above += [f"skip_rows: {skip_rows} # lines above the header"] if skip_rows else []
    return "\n".join(_lines(columns, above)) + "\n"


def _lines(columns: Sequence[Column], above: Sequence[str]) -> Iterator[str]:
    two = _pairs(columns)
    times: dict[str, str] = {each.name: each.form for each in two}
    times |= {c.name: form for c in columns if (form := _of(c)) and not _is_half(c, two)}
    # a day alone only where no column says the time of the day too
    stamps = _matched(sorted(times, key=lambda name: times[name] in DAYS), _STAMPS)
    # a column whose rows are all blank can only be known by its name
    bare = [c.name for c in columns if not c.values and re.search(_TIME, c.name, re.IGNORECASE)]
    blank = {s: n for s, n in _matched(bare, _STAMPS).items() if s not in stamps}
    if Stamp.RECEIVED not in stamps and times:
        free = [name for name in times if name not in stamps.values()]
        if free:
            stamps[Stamp.RECEIVED] = free[0]
    halves = {name for each in two for name in (each.day, each.time)}
    texts = [
        c.name
        for c in columns
        if c.name not in times and c.name not in halves and not _is_personal(c.name)
    ]
    keys = [name for name in texts if re.search(_KEY, name, re.IGNORECASE)]
    key = next((name for name in keys if _distinct(name, columns)), None)
    yield "# A start: check every line, then `import FILE --mapping THIS --dry-run`."
    yield "time_zone: Asia/Shanghai # CHECK: the zone the times were written in"
    used = [times[name] for name in times if name in stamps.values()]
    forms = list(dict.fromkeys(used)) or ["%Y-%m-%d %H:%M:%S"]
    yield f"time_formats: [{', '.join(map(_quoted, forms))}]"
    yield from _key(key, keys, texts)
    counted = _counted(stamps, columns)
    if counted is not Stamp.RECEIVED:
        yield f"counted_by: {counted}"
    yield from above
    yield "columns:"
    yield from _stamps(stamps, blank, {each.name: each for each in two})
    if key:
        yield f"  number: {_quoted(key)} # CHECK: what cases are listed by; never a person's number"
    free = [name for name in texts if name != key and name not in keys]
    for dimension, name in _matched(free, _DIMENSIONS).items():
        yield f"  {dimension}: {_quoted(name)}"
    yield from _verdicts(columns)
    known = {*stamps, *blank}
    yield from (
        f"# CHECK: no column for {s} was found; without it {_WITHOUT[s]}"
        for s in _WITHOUT
        if s not in known
    )
    unread = [name for name in times if name not in stamps.values()]
    if unread:
        yield f"# times not used: {', '.join(unread)}"


@dataclass(frozen=True)
class _Two:
    """A time in two columns, by the form of both."""

    day: str
    time: str
    form: str

    @property
    def name(self) -> str:
        return f"{self.day} + {self.time}"


def _pairs(columns: Sequence[Column]) -> list[_Two]:
    """Return the columns of days and of times of the day that belong together by their names."""
    days = {c.name: form for c in columns if (form := _form(c.values)) in DAYS and form}
    times = {c.name: form for c in columns if (form := _time_form(c.values))}
    found = []
    for time, form in times.items():
        alike = [day for day in days if _bare(day) == _bare(time)]
        if len(alike) == 1:
            found.append(_Two(alike[0], time, f"{days[alike[0]]} {form}"))
    return found


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", _DAY_OR_TIME.sub("", name)).casefold()


def _time_form(values: Sequence[str]) -> str | None:
    return (
        next((f for f, x in _TIMES.items() if all(re.fullmatch(x, v) for v in values)), None)
        if values
        else None
    )


def _is_half(column: Column, two: Sequence[_Two]) -> bool:
    return any(column.name in {each.day, each.time} for each in two)


_STANDING = {
    "invalid": re.compile(r"^(invalid|void|无效.*|骚扰.*|虚假.*)$", re.IGNORECASE),
    "duplicate": re.compile(r"^(dup(licate)?|重复.*)$", re.IGNORECASE),
    "test": re.compile(r"^(test|测试.*)$", re.IGNORECASE),
    "exercise": re.compile(r"^(exercise|drill|演练.*)$", re.IGNORECASE),
}
_LATE = re.compile(r"overdue|on_?time|late$|超期|逾期|超时|及时|按时|按期", re.IGNORECASE)
_FEW = 12
_DISTINCT = 0.99


def _verdicts(columns: Sequence[Column]) -> Iterator[str]:
    """Yield what looks like a standing, and which column may be the source's own verdict."""
    for column in columns:
        values = sorted(set(column.values))
        if not values or len(values) > _FEW or _PERSONAL.search(column.name):
            continue
        said = {beside: [v for v in values if form.match(v)] for beside, form in _STANDING.items()}
        if any(said.values()):
            lists = ", ".join(
                f"{beside}: [{', '.join(map(_quoted, v))}]" for beside, v in said.items() if v
            )
            yield f"standing: {{column: {_quoted(column.name)}, {lists}}} # CHECK: what counts beside"
        elif _LATE.search(column.name) and len(values) > 1:
            texts = ", ".join(map(_quoted, values))
            yield (
                f"# CHECK: {column.name} may be the source's own verdict: "
                f"label: {{column: {_quoted(column.name)}, overdue: [?], not_overdue: [?]}} of {texts}"
            )


def _stamps(
    stamps: Mapping[Stamp, str], blank: Mapping[Stamp, str], two: Mapping[str, _Two]
) -> Iterator[str]:
    for stamp in Stamp:
        both = two.get(stamps.get(stamp, ""))
        if both:
            yield f"  {stamp}: {{date: {_quoted(both.day)}, time: {_quoted(both.time)}}}"
        elif stamp in stamps:
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


def _counted(stamps: Mapping[Stamp, str], columns: Sequence[Column]) -> Stamp:
    """Return the receipt, else the stamp that most rows have: without it a row is refused."""
    known = {column.name: len(column.values) for column in columns}
    others = [stamp for stamp in stamps if stamp is not Stamp.DUE]
    if Stamp.RECEIVED in stamps or not others:
        return Stamp.RECEIVED
    return max(others, key=lambda stamp: known.get(stamps[stamp], 0))


def _key(key: str | None, keys: Sequence[str], texts: Sequence[str]) -> Iterator[str]:
    if key is None and keys:
        yield (
            f"# CHECK: {keys[0]} repeats; if a row is a unit of a case write "
            f"`group_by: [{_quoted(keys[0])}]` instead of key, and columns.unit"
        )
    named = key or next(iter([*keys, *texts]), "CHECK")
    yield f"key: [{_quoted(named)}] # CHECK: what names a case"


def _of(column: Column) -> str | None:
    """Return the form of a column's times; digits without signs are one only by its name."""
    form = _form(column.values)
    if form in _BARE and not re.search(_TIME, column.name, re.IGNORECASE):
        return None
    return form


_BARE = ("%Y%m%d%H%M%S", "%Y%m%d")


def _is_personal(name: str) -> bool:
    area = re.search(_DIMENSIONS[Dimension.AREA], name, re.IGNORECASE)
    return bool(_PERSONAL.search(name)) and not (area and name.lower().endswith("name"))


def _form(values: Sequence[str]) -> str | None:
    """Return the first form that every value has; None: they are no times."""
    if not values:
        return None
    return next((f for f in FORMS if all(local_time(value, [f]) for value in values)), None)


def _distinct(name: str, columns: Sequence[Column]) -> bool:
    values = next(c.values for c in columns if c.name == name)
    # a few may repeat: those rows will be refused by name
    return len(values) > 0 and len(set(values)) >= _DISTINCT * len(values)


def _quoted(text: str) -> str:
    if text == "\t":
        return '"\\t"'
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
