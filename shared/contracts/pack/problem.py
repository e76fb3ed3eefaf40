"""A fault of a pack: where it is and what is wrong."""

from enum import StrEnum

from msgspec import Struct


class ProblemReason(StrEnum):
    """Named reasons a pack is refused."""

    UNREADABLE = "unreadable"
    WRONG_SHAPE = "wrong_shape"
    UNKNOWN_WORD = "unknown_word"
    UNKNOWN_NAME = "unknown_name"
    DUPLICATE = "duplicate"
    WRONG_COUNT = "wrong_count"
    FOREIGN_RULE = "foreign_rule"
    UNDERSTAFFED = "understaffed"
    OVERSTAFFED = "overstaffed"
    NO_DESK = "no_desk"
    TIE = "tie"
    NOT_YET = "not_yet"
    CANNOT_ANSWER = "cannot_answer"
    UNREACHABLE = "unreachable"
    NOBODY_ABLE = "nobody_able"
    NOT_TOLD = "not_told"
    CONTRADICTION = "contradiction"


class Problem(Struct, frozen=True):
    """One fault: *path* leads from the section's name to the value; *text* says what to do about it."""

    path: tuple[str | int, ...]
    reason: ProblemReason
    text: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.reason}: {self.text}"
