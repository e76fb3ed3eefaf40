"""What differs between two versions of a table: every figure by its path, with both values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

Number = int | float


class How(StrEnum):
    """How a figure differs."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


class Figure(Struct, frozen=True):
    """One number; a rate's numerator and denominator beside it. None: suppressed, or – (n = 0)."""

    value: Number | None
    numerator: int | None = None
    denominator: int | None = None


class Difference(Struct, frozen=True, kw_only=True):
    """One figure that differs; `before` or `after` is None where the row was not there."""

    path: str
    how: How
    before: Figure | None
    after: Figure | None


_NOT_FIGURES = frozenset({"heading", "name", "department", "cut", "unstable"})
_KEYS = ("id", "unit", "incident", "clock", "rule", "due", "up_to_s")
"""What tells the rows of a list apart; the rest of a row are figures."""


def figures(body: bytes) -> dict[str, Figure]:
    """Return every figure of a table's JSON by its path (`by_row/traffic/count`), in its order."""
    found: dict[str, Figure] = {}
    for path, figure in _walk("", msgspec.json.decode(body), None):
        name, again = path, 1
        while name in found:
            again += 1
            name = f"{path}#{again}"
        found[name] = figure
    return found


def differences(before: Mapping[str, Figure], after: Mapping[str, Figure]) -> list[Difference]:
    """Return what differs, in the order of *before*, what only *after* has last."""
    paths = [*before, *(path for path in after if path not in before)]
    return [
        Difference(path=path, how=_how(old, new), before=old, after=new)
        for path in paths
        if (old := before.get(path)) != (new := after.get(path))
    ]


def _how(before: Figure | None, after: Figure | None) -> How:
    if before is None:
        return How.ADDED
    return How.REMOVED if after is None else How.CHANGED


def _walk(path: str, node: Any, whole: int | None) -> Iterator[tuple[str, Figure]]:
    """Yield path and figure below *node*; `whole` is the total of the breakdown it stands in."""
    if isinstance(node, Mapping):
        if node.keys() == {"numerator", "denominator", "percent"}:
            yield path, Figure(node["percent"], node["numerator"], node["denominator"])
        else:
            yield from _fields(path, node, whole)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for n, row in enumerate(node):
            yield from _walk(_below(path, _key(row, n)), row, whole)
    elif node is None or (isinstance(node, int | float) and not isinstance(node, bool)):
        yield path, Figure(node)


def _fields(path: str, node: Mapping[str, Any], whole: int | None) -> Iterator[tuple[str, Figure]]:
    in_list = _keyed(node)
    total = node["total"] if node.keys() == {"rows", "total"} else whole
    for name, value in node.items():
        if name in _NOT_FIGURES or (name in in_list and not isinstance(value, Mapping | list)):
            continue
        if name == "rows":
            yield from _walk(path, value, total)
        elif name == "percent" and "count" in node:
            yield f"{path}/percent", Figure(value, node["count"], whole)
        else:
            yield from _walk(_below(path, name), value, total)


def _keyed(row: Mapping[str, Any]) -> list[str]:
    return [name for name in _KEYS if name in row]


def _key(row: Any, number: int) -> str:
    words = [_word(row[name]) for name in _keyed(row)] if isinstance(row, Mapping) else []
    return " ".join(words) or str(number)


def _word(value: object) -> str:
    return "more" if value is None else str(value)


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
