"""A provider's own number of a notice, as far as it may stand in events and tables: a token, never text."""

from __future__ import annotations

import re
from hashlib import sha256

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:^~+/=-]{0,63}")
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_PERSON = re.compile(
    r"(?<!\d)(?:(?:86)?1[3-9]\d{9}"
    rf"|\d{{6}}(?:19|20)\d\d{_DAY}\d{{3}}[\dXx]"
    rf"|\d{{8}}{_DAY}\d{{3}})(?!\d)"
)
"""A mobile number, or an identity number (its birthday tells it from any other), alone in the token."""


def reference(word: str | None) -> str | None:
    """Return *word* where it is a plain token that shows no person, else its digest; None for nothing.

    A sentence, a number to call or an identity number is told apart by `sha256:` and 32 hex digits:
    who has the provider's log can still match it, who reads the event learns nothing.
    """
    if not word:
        return None
    if _TOKEN.fullmatch(word) and not _PERSON.search(word):
        return word
    # half a surrogate cannot be encoded otherwise
    return "sha256:" + sha256(word.encode("utf-8", "surrogatepass")).hexdigest()[:32]
