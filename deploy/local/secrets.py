"""Secrets of one stack: made at random at its first start, kept in files only this user can read."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from deploy.database import Passwords
from deploy.local.run_folder import write_private

_EVERYTHING = "platform.json"
_SHELL = "keys.env"
PROVIDERS = ("sms", "webhook")
DESK, AUDITOR = "desk", "auditor"


class Kept(Struct, kw_only=True):
    """What is made once: clear API keys by scope, passwords by service, the vault's key, the salt."""

    keys: dict[str, str] = {}
    providers: dict[str, str] = {}
    passwords: dict[str, dict[str, str]] = {}
    vault_key: str = ""
    caller_salt: str = ""


class StackSecrets:
    """The secrets in *folder*; `make` completes them and writes one file per service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        path = folder / _EVERYTHING
        self._kept = msgspec.json.decode(path.read_bytes(), type=Kept) if path.exists() else Kept()

    @property
    def keys(self) -> Mapping[str, str]:
        """Clear API key by scope: `source:110`, `unit:<id>`, `desk`, `auditor`."""
        return self._kept.keys

    def passwords(self, service: str) -> Passwords:
        """Return the passwords of the service's two database roles."""
        return Passwords(**self._kept.passwords[service])

    def file(self, service: str) -> Path:
        """Return the path of the service's own secrets file."""
        return self._folder / f"{service}.json"

    def make(self, services: Iterable[str], sources: Iterable[str], units: Iterable[str]) -> None:
        """Make what does not exist yet and write the files; what exists stays as it is."""
        kept = self._kept
        scopes = [f"source:{source}" for source in sources]
        scopes += [f"unit:{unit}" for unit in units]
        for scope in [*scopes, DESK, AUDITOR]:
            kept.keys.setdefault(scope, secrets.token_urlsafe(24))
        for provider in PROVIDERS:
            kept.providers.setdefault(provider, secrets.token_urlsafe(24))
        for service in services:
            kept.passwords.setdefault(
                service, {"owner": secrets.token_urlsafe(24), "app": secrets.token_urlsafe(24)}
            )
        kept.vault_key = kept.vault_key or base64.urlsafe_b64encode(os.urandom(32)).decode()
        kept.caller_salt = kept.caller_salt or secrets.token_urlsafe(24)
        write_private(self._folder / _EVERYTHING, msgspec.json.encode(kept).decode())
        write_private(self._folder / _SHELL, self._shell())
        for service in kept.passwords:
            write_private(self.file(service), msgspec.json.encode(self._for(service)).decode())

    def _for(self, service: str) -> dict[str, object]:
        """Return what one service may know: digests, except where it must speak or encrypt itself."""
        kept = self._kept
        content: dict[str, object] = {
            "api_keys": [
                {"sha256": _digest(key), "name": scope, "scopes": [scope]}
                for scope, key in kept.keys.items()
                if self._accepts(service, scope)
            ]
        }
        if service == "intake":
            content |= {"vault_key": kept.vault_key, "caller_salt": kept.caller_salt}
        if service == "notify":
            content |= {"provider_keys": kept.providers}
        if service == "drill":  # plays the hotlines, the units and the providers
            content |= {"clear_keys": kept.keys, "provider_keys": kept.providers}
        return content

    @staticmethod
    def _accepts(service: str, scope: str) -> bool:
        if scope.startswith("source:"):
            return service == "intake"
        return service == "router" if scope.startswith("unit:") else True

    def _shell(self) -> str:
        """Return the keys as shell variables, for trying things out with curl."""
        names = {scope: f"KEY_{_variable(scope)}" for scope in self._kept.keys}
        return "".join(f"{names[scope]}={key}\n" for scope, key in self._kept.keys.items())


def _variable(scope: str) -> str:
    """`source:110` → `110`, `unit:xj-rescue` → `UNIT_XJ_RESCUE`."""
    return scope.removeprefix("source:").replace(":", "_").replace("-", "_").upper()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
