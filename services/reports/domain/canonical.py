"""The one way a table is written as JSON: the same figures always give the same bytes."""

from __future__ import annotations

import msgspec

from services.reports.domain.report import Report


def canonical(table: Report) -> bytes:
    """Return *table* as UTF-8 JSON, fields in the order of their definition."""
    return msgspec.json.format(msgspec.json.encode(table), indent=2) + b"\n"


def restored(body: bytes, kind: type[Report]) -> Report:
    """Return the table that `canonical` wrote."""
    return msgspec.json.decode(body, type=kind)
