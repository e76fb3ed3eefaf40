"""W3C trace context: the sender's trace goes on, or one begins here."""

from __future__ import annotations

import os
import re

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")


def continued(traceparent: str | None) -> str:
    """Return a `traceparent` of our own span in the sender's trace; a malformed one is not believed."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found:
        return f"00-{found[1]}-{os.urandom(8).hex()}-{found[2]}"
    random = os.urandom(24).hex()
    return f"00-{random[:32]}-{random[32:]}-01"
