"""Finds the people of a rule: the unit, its superior post, leaders, commander, standby units, the desk."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.notify.domain.notice import Addressee
from services.notify.domain.view import Duty, Told
from shared.contracts.incident import AssignmentState, Decision
from shared.contracts.pack import Pack, Recipient


def desk(pack: Pack) -> Addressee:
    """Return the duty desk (值班席)."""
    unit = pack.desk
    return Addressee(Recipient.DESK, unit.id, unit.name, unit.endpoints)


def unit(pack: Pack, duty: Duty) -> Addressee:
    """Return the unit of *duty*; the desk in place of one the pack does not know: never silence."""
    known = pack.unit_by_id.get(duty.unit)
    if known is None:
        return desk(pack)
    return Addressee(
        Recipient.UNIT, known.id, known.name, known.endpoints, duty.assignment_id, duty.active
    )


def post(pack: Pack, name: str | None, to: Recipient) -> list[Addressee]:
    """Return the post *name*; nobody where it is no post (P11: the lead unit's own leader commands)."""
    known = pack.post_by_id.get(name or "")
    return [Addressee(to, known.id, known.name, known.endpoints)] if known else []


def superior(pack: Pack, unit_id: str | None) -> list[Addressee]:
    """Return the post above the unit's department (督办)."""
    known = pack.unit_by_id.get(unit_id or "")
    department = pack.department_by_id.get(known.department) if known else None
    return post(pack, department.superior, Recipient.SUPERIOR) if department else []


def leaders(pack: Pack, decision: Decision | None) -> list[Addressee]:
    """Return the posts the routing decision says are told (R17); order as decided."""
    tell = decision.tell if decision else ()
    return [each for name in tell for each in post(pack, name, Recipient.LEADERS)]


def commander(pack: Pack, decision: Decision | None) -> list[Addressee]:
    """Return the commanding post (P11)."""
    return post(pack, decision.commander if decision else None, Recipient.COMMANDER)


def standby(pack: Pack, duties: Iterable[Duty]) -> list[Addressee]:
    """Return the units named as backup at dispatch; each with its own standby duty to acknowledge."""
    waiting = (d for d in duties if d.state is AssignmentState.STANDBY)
    return [
        Addressee(Recipient.STANDBY, known.id, known.name, known.endpoints, d.assignment_id)
        for d in waiting
        if (known := pack.unit_by_id.get(d.unit))
    ]


def backup(pack: Pack, unit_id: str | None, duties: Iterable[Duty]) -> list[Addressee]:
    """Return the pack's backup of the unit (A/B, P21), unless it is out on this incident already."""
    known = pack.unit_by_id.get(unit_id or "")
    other = pack.unit_by_id.get(known.backup or "") if known else None
    if other is None or any(d.unit == other.id and d.active for d in duties):
        return []
    return [Addressee(Recipient.STANDBY, other.id, other.name, other.endpoints)]


def known(pack: Pack, told: Told, assignment_id: UUID | None) -> Addressee | None:
    """Return somebody who was told before; None once the pack has lost them."""
    found = pack.unit_by_id.get(told.id) or pack.post_by_id.get(told.id)
    return (
        Addressee(told.to, found.id, found.name, found.endpoints, assignment_id) if found else None
    )
