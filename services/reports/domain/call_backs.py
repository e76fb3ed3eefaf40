"""The three rates 三率 of the call-backs: responded, resolved, satisfied, of those who were reached."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from services.reports.domain.copies import once
from services.reports.domain.exemptions import SATISFACTION, Exempt, exemptions
from services.reports.domain.exemptions import is_exempt as exempted
from services.reports.domain.facts import Facts, Population
from services.reports.domain.later_facts import CallBackFact
from services.reports.domain.period import Period
from shared.contracts.call_back import AfterCallBack


class CallBacks(Struct, frozen=True, kw_only=True):
    """Callers called back in a period; each of the three is of the `reached`, who may not have said.

    `exempt` ones (a granted appeal about satisfaction) are in no other number. `reopened` and
    `answered` (最终答复) are what unhappy answers led to.
    """

    called: int
    reached: int
    responded: int
    resolved: int
    satisfied: int
    unsaid: int
    reopened: int
    answered: int
    exempt: int


def call_backs_of(
    facts: Facts, period: Period, population: Population, cut: datetime
) -> list[CallBackFact]:
    """Return the call-backs made in *period* and up to *cut*, of the population, each once."""
    incidents = {incident.incident_id: incident for incident in facts.incidents}
    return [
        each
        for each in once(facts.call_backs, incidents)
        if each.at in period
        and each.at <= cut
        and Population.of(exercise=each.exercise) is population
        and not each.test
    ]


def counted(made: Iterable[CallBackFact], exempt: Exempt) -> CallBacks:
    """Count *made*: the newest answer of each caller, exempted duties beside."""
    all_of = list(made)
    ours = [each for each in all_of if not is_exempt(each, exempt)]
    reached = [each for each in ours if each.reached]
    return CallBacks(
        called=len(ours),
        reached=len(reached),
        responded=sum(each.responded is True for each in reached),
        resolved=sum(each.resolved is True for each in reached),
        satisfied=sum(each.satisfied is True for each in reached),
        unsaid=sum(each.satisfied is None for each in reached),
        reopened=sum(each.after == AfterCallBack.REOPENED for each in ours),
        answered=sum(each.after == AfterCallBack.FINAL_ANSWER for each in ours),
        exempt=len(all_of) - len(ours),
    )


def is_exempt(made: CallBackFact, exempt: Exempt) -> bool:
    """Say whether a granted appeal took it out of the rates."""
    return exempted(exempt, made.assignment_id, SATISFACTION)


def call_backs(facts: Facts, period: Period, population: Population, cut: datetime) -> CallBacks:
    """Count the call-backs of *period*."""
    return counted(call_backs_of(facts, period, population, cut), exemptions(facts))
