"""Ids are UUIDs of version 5 under one namespace, however they are made."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid5

import pytest
from asyncpg.pgproto import pgproto
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import ids

ONE, OTHER = UUID(int=0x1234 << 64), UUID("f81d4fae-7dec-51d0-a765-00a0c91e6bf6")


@given(st.text(st.characters(codec="utf-8")))
def test_a_name_makes_its_uuid5(name: str) -> None:
    """§3: ids are derived, so that a replay makes the same."""
    made, expected = ids.named(name), uuid5(ids.NAMESPACE, name)

    assert (expected, expected.version, hash(expected)) == (made, made.version, hash(made))


@given(st.uuids())
def test_the_text_of_an_id_is_the_usual_one(id_: UUID) -> None:
    """An id from a row of PostgreSQL, another class, is written the same way."""
    assert str(id_) == ids.text(id_) == ids.text(pgproto.UUID(id_.bytes))


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (lambda: ids.call_id("119", "7"), "call/119/7"),
        (lambda: ids.incident_id(ONE), f"incident/{ONE}"),
        (lambda: ids.assignment_id(ONE, "u", 2), f"assignment/{ONE}/u/2"),
        (lambda: ids.clock_id(ONE, OTHER, "ack", 1), f"clock/{ONE}/{OTHER}/ack/1"),
        (lambda: ids.clock_id(ONE, None, "accept", 1), f"clock/{ONE}/None/accept/1"),
        (lambda: ids.notice_id(ONE, "r", "sms"), f"notice/{ONE}/r/sms"),
        (lambda: ids.feed_id(ONE, "fire"), f"feed/{ONE}/fire"),
        (lambda: ids.silence_id(ONE, "urgent"), f"silence/{ONE}/urgent"),
        (lambda: ids.call_back_id(ONE, OTHER, 0), f"call-back/{ONE}/{OTHER}/0"),
        (lambda: ids.appeal_id(ONE, 1), f"appeal/{ONE}/1"),
        (lambda: ids.deferral_id(ONE, 1), f"deferral/{ONE}/1"),
        (lambda: ids.upward_report_id(ONE, "city", 1), f"upward-report/{ONE}/city/1"),
        (lambda: ids.supervision_id(ONE, OTHER, 1), f"supervision/{ONE}/{OTHER}/1"),
        (lambda: ids.rejection_id("119", "7", "ab"), "rejected/119/7/ab"),
        (lambda: ids.feedback_id("119", "7", "ab"), "feedback/119/7/ab"),
        (lambda: ids.heartbeat_id("sla", "1"), "heartbeat/sla/1"),
        (lambda: ids.figure_id("331024", "calls"), "figure/331024/calls"),
        (lambda: ids.event_id("sla", ONE, 3), f"event/sla/{ONE}/3"),
    ],
)
def test_an_id_is_made_of_these_words(made: Callable[[], UUID], name: str) -> None:
    """What stands in stored rows and in the log never changes."""
    assert uuid5(ids.NAMESPACE, name) == made()
