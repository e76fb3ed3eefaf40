"""Who hears what: consumer names (= group ids) and topics, so that offsets can be seeded explicitly."""

from __future__ import annotations

CONSUMERS: dict[str, tuple[str, ...]] = {
    "intake.cases": ("incident.urgent.v1", "incident.ordinary.v1"),
    "router.urgent": ("call.urgent.v1",),
    "router.ordinary": ("call.ordinary.v1",),
    "router.feedback": ("unit.feedback.v1",),
    "sla.urgent": ("incident.urgent.v1",),
    "sla.ordinary": ("incident.ordinary.v1",),
    "notify.urgent": ("incident.urgent.v1",),
    "notify.ordinary": ("incident.ordinary.v1",),
    "notify.clocks.urgent": ("sla.urgent.v1",),
    "notify.clocks.ordinary": ("sla.ordinary.v1",),
    "reports.facts": (
        "call.urgent.v1",
        "call.ordinary.v1",
        "call.rejected.v1",
        "incident.urgent.v1",
        "incident.ordinary.v1",
        "sla.urgent.v1",
        "sla.ordinary.v1",
        "notice.events.v1",
    ),
}
"""`<service>.<task>` to topics."""
