"""Codes of a hotline into the pack's words; an unknown one is kept raw, unclassified and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.intake.domain.fields import Fields
from services.intake.domain.reading import Hotline
from services.intake.domain.scrub import scrub
from shared.contracts.call import Kind
from shared.contracts.pack import UNCLASSIFIED
from shared.contracts.values import Lane, Line


@dataclass(slots=True)
class Classified:
    """Kind, line, lane and severity of one call, and the fields whose code was unknown."""

    kind: Kind
    line: Line
    lane: Lane
    severity: int
    unknown: list[str] = field(default_factory=list)


def classify(
    fields: Fields,
    hotline: Hotline,
    *,
    codes: Sequence[str],
    names: Sequence[str],
    level: Sequence[str],
) -> Classified:
    """Read the kind from *codes* and *names* (field names, coarse to fine), and the severity from *level*.

    Where a fine code is unknown a coarser one that is known still classifies. A 12345 order is
    ordinary whatever its kind: a flood of orders must not stand in front of a fire.
    """
    source, unknown = hotline.source, []
    found = {name: value for name in (*codes, *names) if (value := fields.text(name)) is not None}
    fine_first = [n for n in (*reversed(codes), *reversed(names)) if n in found]
    spoken = [found[n] for n in fine_first]
    finest = source.category(spoken[:1], spoken[:1])
    if fine_first and finest == UNCLASSIFIED:
        unknown.append(fine_first[0])
    # a code that is known stands before every name
    category = source.category(spoken, spoken) if len(spoken) > 1 else finest
    line = _line(fields, hotline, unknown)
    lane = Lane.ORDINARY if hotline.keeps_orders else hotline.pack.lane(source.id, category)
    raw = tuple(scrub(found[name]) for name in (*codes, *names) if name in found)
    severity = _severity(fields, hotline, category, level, unknown)
    return Classified(Kind(category=category, raw=raw), line, lane, severity, unknown)


def _line(fields: Fields, hotline: Hotline, unknown: list[str]) -> Line:
    source = hotline.source
    code = fields.text(source.line_field.lower()) if source.line_field else None
    if code is None:
        return source.line
    if code not in source.line_codes:
        unknown.append(source.line_field or "")
        return source.line
    return source.line_codes[code]


def _severity(
    fields: Fields, hotline: Hotline, category: str, level: Sequence[str], unknown: list[str]
) -> int:
    code = fields.text(*level)
    if code is not None and code in hotline.source.severity_codes:
        return hotline.source.severity_codes[code]
    if code is not None:
        unknown.append(level[0])
    return hotline.pack.category(category).severity
