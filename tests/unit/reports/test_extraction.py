"""What people wrote stays with router, which purges it; figures are kept for years."""

from __future__ import annotations

from msgspec.structs import replace

from services.reports.domain.extraction import assignment_fact, incident_fact
from tests.builders import an_assignment, an_incident

WRITTEN = "报警人称误报"


def test_no_fact_has_what_people_wrote() -> None:
    """§7: neither why an incident ended nor why a unit gave an order back is taken over."""
    duty = an_assignment(return_reason=WRITTEN)
    incident = an_incident(duty, reason=WRITTEN)
    incident = replace(incident, scene=replace(incident.scene, text=WRITTEN))

    assert WRITTEN not in repr((incident_fact(incident), assignment_fact(incident, duty)))
