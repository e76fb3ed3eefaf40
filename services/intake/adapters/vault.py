"""The contact vault: every call's contact under a key of its own, that key wrapped by the master key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.intake.domain.contact import Contact, caller_hash
from shared.runtime.store import Work, Write

_NONCE_BYTES = 12
_JSON = msgspec.json.Encoder()
_CONTACT = msgspec.json.Decoder(Contact)

# a destroyed contact stays destroyed: a late revision must not bring it back
_KEEP = Write(
    "contact",
    (("token", "uuid"), ("call_id", "uuid"), ("wrapped_key", "bytea"), ("sealed", "bytea")),
    """
contact_kept as (
  insert into contact as c (token, call_id, wrapped_key, sealed)
  select i.token, i.call_id, i.wrapped_key, i.sealed from contact_in i order by i.token
  on conflict (token) do update set
    wrapped_key = excluded.wrapped_key, sealed = excluded.sealed, sealed_at = clock_timestamp()
    where c.wrapped_key is not null returning 1),
contact as (select 1 from contact_kept)""",
    guard=False,
)


class VaultRefused(ValueError):
    """The secrets cannot make a vault, or a sealed record does not open with them."""


class ContactVault:
    """Seals contacts (AES-256-GCM); the token is bound in, so a record cannot be moved to another."""

    def __init__(self, master_key: str, caller_salt: str) -> None:
        """Take the secrets: *master_key* is 32 bytes in URL-safe base64; raises VaultRefused."""
        try:
            master = base64.b64decode(master_key, altchars=b"-_", validate=True)
        except binascii.Error:
            master = b""
        if len(master) != 32:
            raise VaultRefused(
                "vault_key must be 32 bytes in URL-safe base64: write a new secrets file"
            )
        if not caller_salt:
            raise VaultRefused("caller_salt is empty: write a new secrets file")
        self._master = AESGCM(master)
        self._salt = caller_salt.encode()
        # bodies are compared by a keyed digest: a plain one could be tried against every number
        self._digest_key = hmac.digest(master, b"body digest", hashlib.sha256)

    def digest(self, body: bytes) -> bytes:
        """Return the keyed digest (16 bytes) by which a body is recognised."""
        return hmac.digest(self._digest_key, body, hashlib.sha256)[:16]

    def caller(self, contact: Contact) -> str | None:
        return caller_hash(contact.phone, self._salt) if contact.phone else None

    def keep(self, work: Work, call_id: UUID, token: str, contact: Contact) -> None:
        wrapped, sealed = self.seal(token, contact)
        work.put(_KEEP, UUID(token), call_id, wrapped, sealed)

    def seal(self, token: str, contact: Contact) -> tuple[bytes, bytes]:
        """Return a new key, wrapped, and *contact* sealed with it."""
        key, bound = os.urandom(32), bytes.fromhex(token)
        return (
            _locked(self._master, key, bound),
            _locked(AESGCM(key), _JSON.encode(contact), bound),
        )

    def open(self, token: str, wrapped: bytes, sealed: bytes) -> Contact:
        """Return the contact; raises VaultRefused where key, token and record do not belong together."""
        bound = bytes.fromhex(token)
        try:
            key = _unlocked(self._master, wrapped, bound)
            return _CONTACT.decode(_unlocked(AESGCM(key), sealed, bound))
        except InvalidTag:
            raise VaultRefused(f"contact {token} does not open with this vault_key") from None


def _locked(key: AESGCM, plain: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, bound)


def _unlocked(key: AESGCM, locked: bytes, bound: bytes) -> bytes:
    return key.decrypt(locked[:_NONCE_BYTES], locked[_NONCE_BYTES:], bound)
