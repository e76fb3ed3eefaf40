"""A provider's number of a notice: tokens pass, everything else is only told apart."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.delivery import judge
from services.notify.domain.reference import reference
from shared.contracts.order import Receipt
from tests.unit.notify.cases import PACK

SAFE = re.compile(r"sha256:[0-9a-f]{32}|[A-Za-z0-9][A-Za-z0-9._:^~+/=-]{0,63}")


@pytest.mark.parametrize("word", ["r1", "drill-0123456789ab", "900619746936498440^0", "a" * 64])
def test_a_token_is_kept_as_it_is(word: str) -> None:
    """The proof of §4.11: an operator finds the message in the provider's log by it."""
    assert word == reference(word)


@pytest.mark.parametrize(
    "word",
    [
        "13800138000",
        "8613800138000",
        "sent/13800138000",
        "110101199003074517",
        "delivered to Mr. Wang",
        "张三 已收",
        "r\x001",
        "\ud800",
        "x" * 65,
        "-",
    ],
)
def test_what_could_be_text_or_a_person_is_only_told_apart(word: str) -> None:
    """Privacy: no provider can put text, a number to call or an identity number into an event."""
    found = reference(word)

    assert found is not None
    assert re.fullmatch(r"sha256:[0-9a-f]{32}", found)
    assert found == reference(word) != reference(word + "2")


@pytest.mark.parametrize("word", [None, ""])
def test_nothing_stays_nothing(word: str | None) -> None:
    """A provider need not number anything."""
    assert reference(word) is None


@given(st.text(max_size=200))
def test_whatever_a_provider_says_a_safe_token_comes_of_it(word: str) -> None:
    """`provider_ref` of a delivered notice matches one pattern, whatever the answer held."""
    accepted = Receipt(notice_id=uuid4(), accepted=True, ref=word)
    found = judge(accepted, 1, 0.0, PACK.notices.channels[0]).ref

    assert found is None or SAFE.fullmatch(found)
