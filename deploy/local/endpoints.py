"""What `endpoints.json` says of a running stack: addresses, process ids, instances; no secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from deploy.local import processes
from deploy.local.infrastructure import Infrastructure
from deploy.local.parts import Part, ServiceInstance


def listed(infrastructure: Infrastructure, parts: Mapping[str, Part]) -> dict[str, Any]:
    """Return the supervisor, broker, database and every part with where it listens."""
    me = os.getpid()
    entries = {name: _entry(part) for name, part in parts.items()}
    return {
        "supervisor": {"pid": me, "born": processes.born(me)},
        "kafka": infrastructure.kafka.address,
        "postgres": infrastructure.postgres.address,
        "http": {name: entry["http"] for name, entry in entries.items() if "http" in entry},
        "parts": entries,
    }


def _entry(part: Part) -> dict[str, Any]:
    entry: dict[str, Any] = {"address": part.address}
    if part.child is not None and part.child.started:
        entry |= {"pid": part.child.pid, "born": processes.born(part.child.pid)}
    if isinstance(part, ServiceInstance):
        entry |= {"service": part.service.name, "http": part.address}
    return entry
