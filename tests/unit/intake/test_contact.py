"""Who called: masked for the desk, a salted hash for everybody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.contact import Contact, caller_hash, mask_number, masked

SALT = b"a salt"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13800138000", "138****8000"),
        ("0576-87771234", "057******1234"),
        ("110", "***"),
        ("87771234", "********"),
    ],
)
def test_first_three_and_last_four(number: str, shown: str) -> None:
    """DOMAIN 7; a number too short to hide anything is hidden wholly."""
    assert shown == mask_number(number)


def test_the_desk_sees_a_mask_and_what_else_there_is() -> None:
    """Names of what is kept, not what it says."""
    found = masked(Contact(phone="13800138000", name="某某甲", sex="女", extra={"xyz": "某某"}))

    assert ("138****8000", "某**", ("sex", "extra")) == (found.phone, found.name, found.fields)


@pytest.mark.parametrize(
    "spelling", ["13800138000", "+86 138-0013-8000", "8613800138000", "013800138000"]
)
def test_a_caller_has_one_hash_however_the_number_is_written(spelling: str) -> None:
    """Repeat calls are found by it."""
    assert caller_hash("13800138000", SALT) == caller_hash(spelling, SALT)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_the_hash_does_not_hold_the_number_and_ends_with_its_salt(number: str) -> None:
    """Another salt, another hash."""
    found = caller_hash(number, SALT)

    assert found is not None
    assert number not in found
    assert caller_hash(number, b"another") != found


def test_no_number_no_hash() -> None:
    """All withheld numbers are not one caller."""
    assert caller_hash("未知", SALT) is None
