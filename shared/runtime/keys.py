"""API keys: only their SHA-256 is kept, each with a name and scopes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling: `scopes` such as `source:119`, `unit:xj-rescue`, `desk`, `auditor`."""

    name: str
    sha256: str
    scopes: tuple[str, ...]

    def may(self, *scopes: str) -> bool:
        """Say whether any of *scopes* was granted (`unit:*` grants every unit)."""
        return any(s in self.scopes or f"{s.split(':', 1)[0]}:*" in self.scopes for s in scopes)

    def granted(self, kind: str) -> tuple[str, ...]:
        """Return what stands behind `kind:` in the scopes."""
        return tuple(s.split(":", 1)[1] for s in self.scopes if s.startswith(f"{kind}:"))


class Keyring:
    """The keys one service accepts."""

    def __init__(self, principals: tuple[Principal, ...]) -> None:
        self._by_digest = {p.sha256: p for p in principals}

    def of(self, authorization: str | None) -> Principal | None:
        """Return who sent `Authorization: Bearer <key>` (or a bare key), None when nobody we know."""
        if not authorization:
            return None
        key = authorization.removeprefix("Bearer ").strip()
        return self._by_digest.get(hashlib.sha256(key.encode()).hexdigest())


class SecretsFile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A service's secrets as the supervisor (or an operator) wrote them."""

    api_keys: tuple[Principal, ...] = ()
    vault_key: str = ""
    caller_salt: str = ""
    provider_keys: dict[str, str] = {}


def load(path: Path) -> SecretsFile:
    """Read the secrets file at start; raises OSError or msgspec.ValidationError naming the field."""
    return msgspec.json.decode(path.read_bytes(), type=SecretsFile)
