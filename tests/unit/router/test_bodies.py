"""What a command's body becomes before anything is decided."""

from __future__ import annotations

import pytest

from services.router.adapters.bodies import DESK_ACTIONS, UNIT_ACTIONS, scrubbed
from shared.contracts.call import Sheet
from shared.contracts.incident import StampOrigin
from shared.runtime.keys import Principal
from tests.builders import T0, an_incident_id


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("已联系 1380000" + "1234 到场", "已联系 *** 到场"),
        ("0576-8777" + "1234", "***"),
        ("138 0000 " + "1234", "***"),
        ("33102419900101" + "123X", "***"),
        ("疏散 320 人,用水 12 吨", "疏散 320 人,用水 12 吨"),
        ("", ""),
    ],
)
def test_numbers_of_people_are_masked(text: str, kept: str) -> None:
    """§7: seven digits and more are a phone or an identity number, fewer are a count."""
    assert kept == scrubbed(text)


@pytest.mark.parametrize("text", ["无\x00关", "无\ud800关", "无\x1b关"])
def test_what_no_table_can_hold_is_left_out(text: str) -> None:
    """A reason goes into events and from there into text columns, which refuse NUL."""
    assert "无关" == scrubbed(text)


def test_every_text_of_a_sheet_is_masked() -> None:
    """Who follows up is a unit and a post, never somebody's number."""
    action = UNIT_ACTIONS["sheet"]
    number = "1380000" + "1234"
    told = Sheet(
        result=number,
        text=number,
        follow_up_unit=number,
        follow_up_post=number,
        progress_reason=number,
    )
    who = Principal(name="unit", sha256="", scopes=("unit:*",))
    command = action.build(who, an_incident_id(), action.body(occurred_at=T0, sheet=told))

    assert number not in repr(command)


@pytest.mark.parametrize(
    ("scope", "origin"), [("unit:xj-rescue", StampOrigin.UNIT), ("desk", StampOrigin.DESK)]
)
def test_what_the_desk_puts_down_is_shown_apart(scope: str, origin: StampOrigin) -> None:
    """A stamp told by phone and typed by the desk is not the unit's own."""
    action = UNIT_ACTIONS["ack"]
    who = Principal(name=scope, sha256="", scopes=(scope,))
    command = action.build(who, an_incident_id(), action.body(occurred_at=T0))

    assert origin is command.origin  # type: ignore[attr-defined]


def test_every_command_of_the_desk_and_units_is_named() -> None:
    """The doors that operators are told of."""
    assert {"ack", "turn-out", "assemble", "arrive", "end", "sheet", "return"} == set(UNIT_ACTIONS)
    assert {
        "release", "reassign", "cancel", "invalid", "verify", "close", "rework", "reopen",
        "activate", "waive-arrival", "decide-return", "transfer", "hold", "release-hold",
    } <= set(DESK_ACTIONS)  # fmt: skip
