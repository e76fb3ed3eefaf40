"""Where it is: a code is looked up, a name is found in the text, as the pack itself does it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.fields import Fields
from services.intake.domain.scene import place
from shared.contracts.pack import find_area
from tests.unit.intake.records import hotline, pack

_CODES = [area.code for area in pack().areas]
_NAMES = [area.name for area in pack().areas]
_WORDS = st.sampled_from([*_CODES, *_NAMES, "331024", "000000000", "街道", " ", "12号"])


@given(st.lists(_WORDS, max_size=3).map("".join))
def test_an_area_is_found_as_the_pack_finds_it(said: str) -> None:
    """However it is written: 9 to 12 digits, a name alone, a name in an address, two names."""
    found = find_area(pack().areas, said) if said else None
    by_code = place(Fields({}), hotline(), None, said, None)
    by_text = place(Fields({}), hotline(), said, None, None)

    assert (found.code if found else None) == by_code.area == by_text.area
