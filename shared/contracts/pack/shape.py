"""What of a pack's raw content does not have the model's shape: one problem per faulty row, not only the first."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from shared.contracts.pack.problem import Problem, ProblemReason
from shared.contracts.pack.region_pack import Pack

Path = tuple[str | int, ...]


def misshapen(content: Mapping[str, Any]) -> list[Problem]:
    """Return the problems that keep *content* from being built; empty when `build` accepts it."""
    sections = get_type_hints(Pack)
    sections = {field: sections[field] for field in Pack.__struct_fields__}
    unknown = [
        Problem((section,), ProblemReason.WRONG_SHAPE, f"there is no section {section}")
        for section in content
        if section not in sections
    ]
    missing = [
        Problem((section,), ProblemReason.WRONG_SHAPE, f"section {section} is missing")
        for section in sections
        if section not in content
    ]
    typed = [
        problem
        for section, kind in sections.items()
        if section in content
        for problem in _section((section,), content[section], kind)
    ]
    return [*unknown, *missing, *typed]


def _section(path: Path, value: object, kind: Any) -> Iterator[Problem]:
    if get_origin(kind) is tuple and isinstance(value, list):
        for index, row in enumerate(value):
            yield from _section((*path, index), row, get_args(kind)[0])
        return
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        yield _problem(path, error)


def _problem(path: Path, error: msgspec.ValidationError) -> Problem:
    """Turn msgspec's message (`... - at `$.match.relations[3]``) into a path and a text."""
    text, _, where = str(error).partition(" - at ")
    found = re.search(r"\$([^`]*)", where)
    steps = re.findall(r"[^.\[\]]+", found[1]) if found else []
    inner = tuple(int(step) if step.isdigit() else step for step in steps)
    return Problem((*path, *inner), ProblemReason.WRONG_SHAPE, text)
