"""Settings of notify, read once."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from shared.runtime.settings import ServiceSettings, SettingsError

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`LIANDONG_NOTIFY_*`."""

    sms_url: Annotated[
        str, Meta(description="base address of the SMS gateway, http(s)://host:port")
    ]
    webhook_url: Annotated[
        str, Meta(description="base address of the webhook gateway, http(s)://host:port")
    ]
    allow_outside: Annotated[
        bool, Meta(description="true lets the gateways be other machines than this one")
    ] = False
    sla_silent_s: Annotated[
        float,
        Meta(gt=0, description="wall seconds without sla's heartbeat before the desk is told"),
    ] = 30.0
    digest_quiet_s: Annotated[
        float,
        Meta(
            gt=0, description="wall seconds without a further late notice before they are digested"
        ),
    ] = 5.0

    def provider_addresses(self) -> dict[str, str]:
        """Return channel to base address; raises SettingsError for one that must not be called."""
        found = {"sms": self.sms_url.rstrip("/"), "webhook": self.webhook_url.rstrip("/")}
        for channel, address in found.items():
            parts = urlsplit(address)
            name = f"LIANDONG_NOTIFY_{channel.upper()}_URL"
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise SettingsError(f"{name}: {address} is no http(s) address")
            if parts.hostname not in _LOOPBACK and not self.allow_outside:
                raise SettingsError(
                    f"{name}: {parts.hostname} is another machine; "
                    "set LIANDONG_NOTIFY_ALLOW_OUTSIDE=true if that is meant"
                )
        return found
