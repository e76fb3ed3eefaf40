"""Who called: known only to the vault. A salted hash tells repeat callers, a mask what the desk sees."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

from msgspec import Struct

_NOT_DIGITS = re.compile(r"[^0-9]")
_MOBILE = re.compile(r"(?:0086|86|0)?(1[3-9][0-9]{9})")
_HASH_BYTES = 16


class Contact(Struct, frozen=True):
    """What goes into the vault and nowhere else.

    `text` and `place` are the words as they were said, kept only where scrubbing changed them;
    `extra` holds the fields we have no place for (`source_extra`), under the source's names.
    """

    phone: str | None = None
    name: str | None = None
    sex: str | None = None
    subscriber: str | None = None
    subscriber_address: str | None = None
    phone_position: tuple[float, float] | None = None
    text: str | None = None
    place: str | None = None
    extra: dict[str, Any] = {}

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        return self == _NOTHING


_NOTHING = Contact()
_UNSHOWN = ("sex", "subscriber", "subscriber_address", "phone_position", "text", "place", "extra")


class MaskedContact(Struct, frozen=True):
    """What the desk sees: enough to recognise a caller, not enough to ring one.

    `fields` names what else the vault holds.
    """

    phone: str | None
    name: str | None
    fields: tuple[str, ...]


def masked(contact: Contact) -> MaskedContact:
    """Return *contact* with the number's first 3 and last 4 digits and the name's first character."""
    known = [name for name in _UNSHOWN if getattr(contact, name)]
    return MaskedContact(
        phone=None if contact.phone is None else mask_number(contact.phone),
        name=None if contact.name is None else f"{contact.name[0]}**",
        fields=tuple(known),
    )


def mask_number(number: str) -> str:
    """Return first 3 and last 4 characters; a number too short to hide anything is hidden wholly."""
    if len(number) < 9:
        return "*" * len(number)
    return f"{number[:3]}{'*' * (len(number) - 7)}{number[-4:]}"


def normal_number(number: str) -> str:
    """Return the digits that are the same however a number was written (+86, 0, dashes)."""
    digits = _NOT_DIGITS.sub("", number)
    mobile = _MOBILE.fullmatch(digits)
    return mobile[1] if mobile else digits


def caller_hash(number: str, salt: bytes) -> str | None:
    """Return the salted hash that repeat calls are recognised by (HMAC-SHA256, 128 bits, hex).

    None for what holds no number. Another salt makes another hash, so it ends with the salt.
    """
    digits = normal_number(number)
    if len(digits) < 3:
        return None
    return hmac.digest(salt, digits.encode(), hashlib.sha256)[:_HASH_BYTES].hex()
