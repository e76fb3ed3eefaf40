"""Which services make the platform and what each must be told of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from deploy.local.parts import Service

SERVICES = ("intake", "router", "sla", "notify", "reports", "drill")
"""In the order of the way an incident takes; stopped in reverse."""

LIVE = Service(name="live", of="reports", arguments=("live",))
"""The live picture of reports, a process of its own: what it does to itself harms nothing else."""

# The drill plays the hotlines, the units and, while nothing is played, only the two providers that
# notify sends to.
_WIRES: Mapping[str, Mapping[str, str]] = {
    "drill": {"INTAKE": "{intake}", "ROUTER": "{router}"},
    "notify": {"SMS_URL": "{drill}/sms", "WEBHOOK_URL": "{drill}/webhook"},
}


def wired(
    service: str | Service,
    instances: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> Service:
    """Return *service* with its wires, *instances* processes and additional *environment*."""
    known = Service(name=service) if isinstance(service, str) else service
    wires = _WIRES.get(known.name, {})
    return replace(
        known,
        instances=known.instances if instances is None else instances,
        environment={**wires, **known.environment, **(environment or {})},
    )
