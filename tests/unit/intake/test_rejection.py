"""A refused body is shown by its field names, and only where those hold no value."""

from __future__ import annotations

from services.intake.domain.rejection import MAX_FIELDS, masked_fields


def test_names_are_shown_and_values_that_pose_as_names_are_not() -> None:
    """A sender may put anything where a name belongs."""
    body = {"bjsj": 1, "GIS_X": 1, "13800138000": 1, "某某甲": 1, "a13800138000": 1, "a b": 1}

    assert ("?", "GIS_X", "bjsj") == masked_fields(body)


def test_the_list_has_a_limit_and_a_body_nobody_could_read_has_none() -> None:
    """A thousand fields are no reason for a thousand names."""
    many = {chr(97 + i // 26 % 26) + chr(97 + i % 26) + chr(97 + i // 676): 1 for i in range(500)}

    assert MAX_FIELDS == len(masked_fields(many))
    assert () == masked_fields(None)
