"""Where the columns a mapping names stand in the header of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from services.reports.domain.history_mapping import Mapping, without
from services.reports.domain.history_time import BLANK


class WrongHeader(ValueError):
    """A column the mapping names is not in the file, or twice; the message says what to do."""


def placed(header: Sequence[str], mapping: Mapping) -> tuple[Mapping, dict[str, int]]:
    """Return *mapping* without the optional columns that are absent, and the place of each other.

    A column is found by its name, then by its `aliases`, then by either without regard to letter
    case, blanks and signs: `Received DtTm` is `received_dttm`, as portals and their interfaces write.
    Of a name that stands twice, `NAME[2]` is the second. Raises WrongHeader.
    """
    names = [name.strip(BLANK + "\ufeff") for name in header]
    counted = Counter(names)
    places: dict[str, int] = {}
    absent = []
    for wanted in mapping.wanted:
        place = _place(wanted, mapping, names, counted)
        if place is not None:
            places[wanted] = place
        elif wanted in mapping.optional:
            absent.append(wanted)
        else:
            raise WrongHeader(
                f"no column {wanted!r}, which the mapping names; name it as the file does, give it "
                f"`aliases`, or list it under `optional`; its columns are: "
                f"{', '.join(names) or 'none'}"
            )
    kept = without(mapping, absent) if absent else mapping
    return kept, {name: places[name] for name in kept.wanted}


def _place(
    wanted: str, mapping: Mapping, names: Sequence[str], counted: Counter[str]
) -> int | None:
    for name in (wanted, *mapping.aliases.get(wanted, [])):
        if counted[name] > 1:
            raise WrongHeader(
                f"more than one column {name!r}; write {name}[1] for the first of them, "
                f"{name}[2] for the second"
            )
        if counted[name]:
            return names.index(name)
        if (place := _nth(name, names)) is not None:
            return place
    for name in (wanted, *mapping.aliases.get(wanted, [])):
        alike = [place for place, each in enumerate(names) if _bare(each) == _bare(name) != ""]
        if len(alike) == 1:
            return alike[0]
    return None


def _bare(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def _nth(wanted: str, names: Sequence[str]) -> int | None:
    name, bracket, number = wanted.rpartition("[")
    if not bracket or not number.endswith("]") or not number[:-1].isdigit():
        return None
    places = [place for place, each in enumerate(names) if each == name]
    return places[int(number[:-1]) - 1] if 1 <= int(number[:-1]) <= len(places) else None
