"""Nothing that names a person leaves intake in free text."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.scrub import IDENTITY, PHONE, PLATE, check_digit, is_identity, scrub

_WORDS = st.text(st.sampled_from("起火了在人民路楼被困快来人车 ,。:()"), max_size=12)
_PROVINCES = ["11", "33", "65", "44", "50"]
_PLATE_CHARS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


@st.composite
def identities(draw: st.DrawFn) -> str:
    """Identity numbers of 18 characters with a right check digit, of nobody."""
    born = draw(st.dates(date(1900, 1, 1), date(2026, 1, 1)))
    first = draw(st.sampled_from(_PROVINCES)) + draw(st.from_regex(r"[0-9]{4}", fullmatch=True))
    first += f"{born:%Y%m%d}" + draw(st.from_regex(r"[0-9]{3}", fullmatch=True))
    return first + check_digit(first)


_MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
_PLATES = st.builds(
    lambda city, gap, rest: f"浙{city}{gap}{rest}",
    st.sampled_from("ABCJ"),
    st.sampled_from(["", "·", " ", "-"]),
    st.text(st.sampled_from(_PLATE_CHARS), min_size=5, max_size=6).filter(
        lambda t: any(c.isdigit() for c in t)
    ),
)


def digits(text: str) -> str:
    """Return the digits of *text*."""
    return re.sub(r"[^0-9]", "", text)


@given(_WORDS, identities(), _WORDS)
def test_no_identity_number_stays(before: str, number: str, after: str) -> None:
    """GB 11643: 18 characters, wherever they stand."""
    assert f"{before}{IDENTITY}{after}" == scrub(f"{before}{number}{after}")


@given(_WORDS, _MOBILES, _WORDS)
def test_no_mobile_number_stays(before: str, number: str, after: str) -> None:
    """Mobile numbers go, wherever they stand."""
    assert f"{before}{PHONE}{after}" == scrub(f"{before}{number}{after}")


@given(
    _WORDS,
    _MOBILES,
    st.sampled_from(["", "+86 ", "86-", "0086", "0"]),
    st.sampled_from(["", " ", "-", "·", "\u200b", "　"]),
    st.booleans(),
)
def test_no_spelling_of_a_mobile_number_stays(
    before: str, number: str, prefix: str, gap: str, wide: bool
) -> None:
    """Prefixes, gaps, full-width digits and zero-width marks do not hide a number."""
    spelt = prefix + gap.join((number[:3], number[3:7], number[7:]))
    if wide:
        spelt = spelt.translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789+-"})

    assert digits(scrub(before + spelt).translate(_NARROW)) == ""


_NARROW = {ord(c) + 0xFEE0: ord(c) for c in "0123456789"}


@given(_WORDS, _PLATES, _WORDS)
def test_no_plate_stays(before: str, plate: str, after: str) -> None:
    """Plates of ordinary and new-energy cars go."""
    assert f"{before}{PLATE}{after}" == scrub(f"{before}{plate}{after}")


@given(st.text(max_size=60) | st.from_regex(r"[0-9 \-+电话浙JA-]{0,40}", fullmatch=True))
def test_scrubbing_twice_changes_nothing(text: str) -> None:
    """What was put in its place is never taken out again."""
    once = scrub(text)

    assert once == scrub(once)


@given(st.text(st.sampled_from("起火了在人民路楼被困快来人车 ,.;:"), max_size=60))
def test_words_stay_as_they_were(text: str) -> None:
    """What holds no number is left alone."""
    assert text == scrub(text)


@given(_MOBILES, _MOBILES)
def test_numbers_run_together_go_together(one: str, other: str) -> None:
    """Two numbers without a gap are no longer a number's length, and still name two people."""
    assert one not in scrub(f"打{one}{other}")
    assert other not in scrub(f"打{one}{other}")


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("座机0576-87771234转3", f"座机{PHONE}转3"),
        ("(0576)87771234", PHONE),
        ("057687771234失火", f"{PHONE}失火"),
        ("010 6234 5678", PHONE),
        ("幺三八零零幺三八零零零", PHONE),
        ("我电话是87771234", f"我电话是{PHONE}"),
        ("微信 1234567", f"微信 {PHONE}"),
        ("身份证330124900101123", f"身份证{IDENTITY}"),
        ("证号 330124 19900101 1234", f"证号 {IDENTITY}"),
        ("浙JD12345和浙J·1234学", f"{PLATE}和{PLATE}"),
        ("浙Ｊ１２３４５", PLATE),
    ],
)
def test_what_goes(text: str, scrubbed: str) -> None:
    """Landlines, spoken numbers, numbers named as such, old identity numbers, learners' plates."""
    assert scrubbed == scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "人民路128号3单元1502室",
        "2026-11-22 16:30左右,损失12000元",
        "10千伏高压线断了,电杆编号0231",
        "三楼五零二",
        "还有23人、45户、1200平方米",
        "G25高速K1234+500",
    ],
)
def test_what_stays(text: str) -> None:
    """House numbers, times, sums and kilometre posts are what units need."""
    assert text == scrub(text)


@given(identities(), st.integers(0, 9))
def test_a_mistyped_check_digit_still_names_a_person(number: str, other: int) -> None:
    """A plausible birth date is enough."""
    assert is_identity(number[:17] + str(other))


@given(st.from_regex(r"(99|00|17)[0-9]{15}[0-9X]", fullmatch=True))
def test_a_number_of_no_province_is_no_identity_number(number: str) -> None:
    """Order numbers have 18 digits too."""
    assert not is_identity(number)
