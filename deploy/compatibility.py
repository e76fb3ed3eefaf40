"""Says whether a changed JSON Schema would break a reader or writer of the published one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return every change from *old* to *new* that is not an optional addition."""
    before, after = old.get("$defs", {}), new.get("$defs", {})
    found = [f"{name} was removed" for name in sorted(set(before) - set(after))]
    for name in sorted(set(before) & set(after)):
        found += _definition(name, before[name], after[name])
    return found


def _definition(name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    properties, today = old.get("properties", {}), new.get("properties", {})
    for field in sorted(set(properties) - set(today)):
        yield f"{name}.{field} was removed"
    for field in sorted(set(properties) & set(today)):
        if _shape(properties[field]) != _shape(today[field]):
            yield f"{name}.{field} changed its type"
    for field in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{name}.{field} became required"
    for field in sorted(set(old.get("required", ())) - set(new.get("required", ()))):
        yield f"{name}.{field} is no longer always sent"
    gone = sorted(set(old.get("enum", ())) - set(new.get("enum", ())))
    yield from (f"{name} no longer knows {value!r}" for value in gone)
    if "x-open" not in new and "enum" in new:
        added = sorted(set(new["enum"]) - set(old.get("enum", ())))
        yield from (f"{name} is closed and cannot gain {value!r}" for value in added)


def _shape(schema: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in schema.items() if k not in ("description", "default", "title")}
