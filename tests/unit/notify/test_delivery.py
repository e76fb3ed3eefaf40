"""What an attempt comes to: patience, back-off, giving up, and another way."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.delivery import Failure, Trouble, back_off, fallbacks, judge
from shared.contracts.notice import NoticeState, Purpose
from shared.contracts.order import Receipt, RefusedWhy
from shared.contracts.pack import Channel
from tests.unit.notify.cases import PACK, an_incident, dispatched, event, occasion, told

SMS = next(policy for policy in PACK.notices.channels if policy.channel is Channel.SMS)
WEBHOOK = next(policy for policy in PACK.notices.channels if policy.channel is Channel.WEBHOOK)
ORDER = told(event(an_incident(), *dispatched("xj-rescue")))[0].order


def receipt(*, accepted: bool, retry: bool = False, reason: str | None = None) -> Receipt:
    """Return a provider's word."""
    return Receipt(notice_id=uuid4(), accepted=accepted, retry=retry, reason=reason, ref="r1")


def test_accepted_is_delivered_with_the_providers_number() -> None:
    """The proof of §4.11."""
    verdict = judge(receipt(accepted=True), 3, 10.0, SMS)

    assert (NoticeState.DELIVERED, "r1") == (verdict.state, verdict.ref)


def test_refused_for_good_is_given_up_at_once() -> None:
    """A number that does not exist will not exist in a minute."""
    verdict = judge(receipt(accepted=False, reason="no_such_number"), 1, 0.0, SMS)

    assert (NoticeState.GIVEN_UP, "no_such_number") == (verdict.state, verdict.reason)


@pytest.mark.parametrize(
    "answer", [None, Failure(Trouble.TIMED_OUT), receipt(accepted=False, retry=True)]
)
def test_no_answer_or_not_now_is_tried_again(answer: Receipt | Failure | None) -> None:
    """At least once: an order without a receipt counts as not sent."""
    verdict = judge(answer, 1, 0.0, SMS)

    assert (NoticeState.QUEUED, SMS.first_delay_s) == (verdict.state, verdict.wait_s)
    assert verdict.reason


def test_patience_ends_by_attempts_or_by_time() -> None:
    """Per channel, from the pack; every notice is tried at least once."""
    failure = Failure(Trouble.NO_ANSWER)

    assert NoticeState.GIVEN_UP is judge(failure, SMS.attempts, 1.0, SMS).state
    assert NoticeState.GIVEN_UP is judge(failure, 1, SMS.give_up_after_s, SMS).state
    assert NoticeState.QUEUED is judge(failure, SMS.attempts - 1, 1.0, SMS).state


def test_a_providers_own_wait_is_respected_within_the_policy() -> None:
    """Retry-After, but never longer than the channel's longest delay."""
    assert 3.0 == judge(Failure(Trouble.BUSY, 3.0), 1, 0.0, SMS).wait_s
    assert SMS.max_delay_s == judge(Failure(Trouble.BUSY, 3600.0), 1, 0.0, SMS).wait_s


def test_a_refused_batch_is_sent_again_one_by_one() -> None:
    """One order a provider cannot read must not hold up the others."""
    assert judge(Failure(Trouble.BATCH_REFUSED), 1, 0.0, SMS).alone


@given(st.integers(1, 30))
def test_delays_grow_and_stay_bounded(attempts: int) -> None:
    """Back-off of the pack: first delay, factor, ceiling."""
    now, later = back_off(attempts, SMS), back_off(attempts + 1, SMS)

    assert SMS.first_delay_s <= now <= later <= SMS.max_delay_s


def test_a_given_up_sms_is_told_to_the_desk_by_its_other_channel() -> None:
    """The fallback of the pack; it names the recipient, so that somebody telephones."""
    (notice,) = fallbacks(ORDER, ORDER.purpose, SMS, occasion("9"))

    assert ("xj-desk", "webhook", Purpose.FALLBACK) == (
        notice.order.recipient,
        notice.order.channel,
        notice.order.purpose,
    )
    assert PACK.unit_by_id["xj-rescue"].name in notice.order.text
    assert ("", None) == (notice.order.place, notice.order.longitude)


def test_a_fallback_never_falls_back() -> None:
    """No chain of alarms about alarms; and a channel without a fallback has none."""
    assert [] == fallbacks(ORDER, Purpose.FALLBACK, SMS, occasion())
    assert [] == fallbacks(ORDER, ORDER.purpose, WEBHOOK, occasion())


@pytest.mark.parametrize("retry", [False, True])
@pytest.mark.parametrize("word", ["13800138000 is switched off", "13800138000", "\x00", ""])
def test_a_providers_sentence_reaches_no_event(word: str, *, retry: bool) -> None:
    """Privacy: only named reasons stand in events and facts; a sentence may hold a number to call."""
    verdict = judge(receipt(accepted=False, retry=retry, reason=word), 1, 0.0, SMS)

    assert RefusedWhy.OTHER == verdict.reason


@pytest.mark.parametrize("word", list(RefusedWhy))
def test_a_named_reason_is_passed_on(word: RefusedWhy) -> None:
    """What the contract with the providers names is worth keeping."""
    assert word == judge(receipt(accepted=False, reason=word.value), 1, 0.0, SMS).reason


def test_an_unexplained_refusal_is_told_by_its_kind() -> None:
    """For now or for good."""
    assert Trouble.REFUSED == judge(receipt(accepted=False), 1, 0.0, SMS).reason
    assert Trouble.REFUSED_FOR_NOW == judge(receipt(accepted=False, retry=True), 1, 0.0, SMS).reason
