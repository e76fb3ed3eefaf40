"""How router's desk lists and takes decisions, in the drill's words."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.drill.ports import Awaiting

DECIDED = frozenset({"return", "check"})
"""Kinds of matters the drill decides; what is only to be looked at is left to people."""


def awaiting_of(body: dict[str, Any]) -> tuple[Awaiting, ...]:
    """Return what the drill has to decide out of router's list."""
    return tuple(
        Awaiting(
            kind=item["kind"],
            incident=UUID(item["incident_id"]),
            assignment=UUID(item["assignment_id"]) if item.get("assignment_id") else None,
        )
        for item in body.get("items", ())
        if item["kind"] in DECIDED
    )


def decision(matter: Awaiting) -> tuple[str, dict[str, Any]]:
    """Return path and body: everything handled is found in order, every return is granted.

    Arbitrated as well, where it is the second one: who returns an order does not move.
    """
    if matter.kind == "return":
        return f"/v1/assignments/{matter.assignment}/decide-return", {
            "granted": True,
            "arbitrated": True,
        }
    return f"/v1/incidents/{matter.incident}/check", {"passed": True}
