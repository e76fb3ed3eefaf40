"""W3C trace context of a command: it goes into the events said, so only its own form is let in."""

from __future__ import annotations

import re

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def believed(traceparent: str | None) -> str | None:
    """Return *traceparent* where it has the form of W3C Trace Context level 1, else None."""
    return traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else None
