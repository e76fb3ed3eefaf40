"""A refused body as it may be shown: its size, the reasons, and field names that hold no value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from services.intake.domain.faults import Fault

MAX_FIELDS = 100
HIDDEN = "?"
_NAME = re.compile(r"[A-Za-z_][A-Za-z_]{0,31}[0-9]{0,2}")


def masked_fields(body: Mapping[str, object] | None) -> tuple[str, ...]:
    """Return the field names of *body*, sorted; one that could itself be a value becomes `?`."""
    names = {name if _NAME.fullmatch(name) else HIDDEN for name in body or ()}
    return tuple(sorted(names)[:MAX_FIELDS])


def reasons(faults: Iterable[Fault]) -> tuple[str, ...]:
    """Return `field:reason` of every fault, in the order found."""
    return tuple(f"{fault.field}:{fault.reason}" for fault in faults)
