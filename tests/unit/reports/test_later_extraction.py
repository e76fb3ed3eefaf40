"""Facts of what follows the handling come out of snapshots: named words and times, nothing written."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from services.reports.domain.later_extraction import later_facts, supervision_facts
from services.reports.domain.later_facts import DeferralFact
from shared.contracts import ids
from shared.contracts.appeal import Appeal, AppealGround, AppealState
from shared.contracts.call_back import AfterCallBack, CallBack
from shared.contracts.deferral import Deferral, DeferralKind, DeferralState
from shared.contracts.incident import Incident
from shared.contracts.sla import SlaEvent
from shared.contracts.supervision import Supervision, SupervisionKind
from shared.contracts.upward_report import Authority, Medium, ReportField, ReportStage, UpwardReport
from shared.contracts.values import Lane
from tests.builders import T0, an_assignment, an_incident

HOUR = timedelta(hours=1)


def followed() -> Incident:
    """Return an incident about which everything has been said."""
    duty = an_assignment()
    incident = an_incident(duty)
    about, call = duty.assignment_id, incident.calls[0].call_id
    return replace(
        incident,
        call_backs=(
            CallBack(
                call_back_id=ids.call_back_id(incident.incident_id, call, 0),
                call_id=call,
                assignment_id=about,
                at=T0,
                reached=True,
                responded=True,
                resolved=False,
                satisfied=False,
                after=AfterCallBack.REOPENED,
                by="check-desk",
            ),
        ),
        appeals=(
            Appeal(
                appeal_id=ids.appeal_id(about, 1),
                assignment_id=about,
                about=("arrival", "satisfaction"),
                ground=AppealGround.FORCE_MAJEURE,
                asked_at=T0,
                asked_by=duty.unit,
                state=AppealState.GRANTED,
                decided_at=T0 + HOUR,
                decided_by="supervision-post",
            ),
        ),
        deferrals=(
            Deferral(
                deferral_id=ids.deferral_id(about, 1),
                assignment_id=about,
                kind=DeferralKind.EXTENSION,
                asked_at=T0,
                state=DeferralState.APPROVED,
                approved_by=("duty-chief", "county-office", "duty-chief"),
                until=T0 + HOUR,
            ),
        ),
        reports=(
            UpwardReport(
                report_id=ids.upward_report_id(incident.incident_id, "city", 1),
                stage=ReportStage.FIRST,
                sequence=1,
                level=Authority.CITY,
                medium=Medium.PHONE,
                due=T0 + HOUR,
                submitted_at=T0,
                carries=(ReportField.TIME, ReportField.NATURE),
            ),
        ),
    )


def test_one_fact_for_each_thing_said() -> None:
    """Each names the unit of the duty it is about and the snapshot's version."""
    incident = followed()
    made, appeal, deferral, report = later_facts(incident)

    assert {incident.version} == {fact.version for fact in (made, appeal, deferral, report)}
    assert ("xj-rescue", "xj-rescue", "xj-rescue", None) == (
        made.unit,
        appeal.unit,
        deferral.unit,
        report.unit,
    )
    assert "arrival satisfaction" in appeal
    assert "time nature" in report
    assert "reopened" in made


def test_the_same_person_approves_once() -> None:
    """Rows 15, 16: two approvals are of two posts."""
    (deferral,) = (fact for fact in later_facts(followed()) if isinstance(fact, DeferralFact))

    assert deferral.approvals == 2


def test_who_asked_or_called_stands_in_no_fact() -> None:
    """Units are assessed, never officers; posts stay in the events."""
    facts = repr(list(later_facts(followed())))

    assert "check-desk" not in facts
    assert "supervision-post" not in facts


def test_an_ordinary_incident_has_none() -> None:
    """Nothing was said of it."""
    assert not list(later_facts(an_incident()))


def test_what_was_said_survives_the_wire() -> None:
    """Old readers ignore the new fields, new ones read old events: both decode."""
    incident = followed()
    wire = msgspec.json.encode(incident)

    assert incident == msgspec.json.decode(wire, type=Incident)
    plain = msgspec.json.decode(msgspec.json.encode(an_incident()), type=Incident)
    assert () == plain.call_backs


def test_supervisions_come_from_sla_s_set() -> None:
    """The whole set of an incident, open and closed."""
    incident = an_incident()
    opened = Supervision(
        supervision_id=ids.supervision_id(incident.incident_id, uuid4(), 1),
        kind=SupervisionKind.LEADER,
        level=2,
        opened_at=T0,
        due=T0 + HOUR,
        closed_at=T0 + HOUR,
    )
    said = SlaEvent(
        incident_id=incident.incident_id,
        number=incident.number,
        version=7,
        incident_version=3,
        region="xianju",
        lane=Lane.URGENT,
        clocks=(),
        changes=(),
        supervisions=(opened,),
    )
    (fact,) = supervision_facts(said)

    assert ("leader", 2, 7, T0 + HOUR) == (fact.kind, fact.level, fact.version, fact.closed_at)
