"""A mapping in words: how each row of a file will be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from services.reports.domain.history_mapping import (
    AcrossFiles,
    Beside,
    Dimension,
    Mapping,
    PartOf,
    Stamp,
    affairs_by,
    columns_of,
    row_dimension,
)
from services.reports.domain.history_tables import Asked, lacking
from services.reports.domain.history_terms import basis_of, terms_of


def explained(mapping: Mapping) -> list[str]:
    """Return one line for each thing the mapping decides, and for each table what it lacks."""
    return [*_rows(mapping), *_columns(mapping), *_judged(mapping), *_tables(mapping)]


def _rows(mapping: Mapping) -> Iterator[str]:
    columns = " + ".join(mapping.key_columns)
    if mapping.group_by:
        yield f"a row is a unit of a case; rows with the same {columns} are one case"
    else:
        yield f"a row is a case, named by {columns}; a second row with it is refused"
    if mapping.across_files is AcrossFiles.MERGE:
        parts = " + ".join(mapping.row_key) or f"{mapping.columns.unit} in its order"
        yield f"rows of several files are merged; a row is revised by another with the same {parts}"
    else:
        yield "a case that a later file has too is replaced by it"
    column = columns_of(getattr(mapping.columns, mapping.counted_by))
    yield f"it counts in the month of {column} ({mapping.counted_by}), in {mapping.time_zone}"
    yield f"times are written as {' or '.join(mapping.time_formats)}"
    if mapping.missing_before:
        yield f"a time before {mapping.missing_before} is none"
    if mapping.ignore_case:
        yield "codes are compared without regard to letter case and shown in capitals"


def _columns(mapping: Mapping) -> Iterator[str]:
    for name in (*Stamp, "unit", "number"):
        column = columns_of(getattr(mapping.columns, name))
        if column:
            yield f"{name} is read from {column}"
    for dimension in Dimension:
        chosen = getattr(mapping.columns, dimension)
        if isinstance(chosen, PartOf):
            yield f"{dimension} is the part {chosen.regex} of {chosen.column}"
        elif chosen:
            yield f"{dimension} is read from {chosen}"
        if dimension in mapping.codes:
            yield f"{dimension}: {len(mapping.codes[dimension])} codes have names"
    for name, others in mapping.aliases.items():
        yield f"{name} may also be called {' or '.join(others)}"
    if mapping.optional:
        yield f"a file may lack {', '.join(mapping.optional)}"
    yield "no other column is kept"


def _judged(mapping: Mapping) -> Iterator[str]:
    if mapping.label:
        yield f"the source's own verdict is {mapping.label.column}"
    if mapping.standing:
        for beside in Beside:
            if said := getattr(mapping.standing, beside):
                yield f"{mapping.standing.column} = {' or '.join(said)} counts beside, as {beside}"
    for name in mapping.limits.__struct_fields__:
        if limit := getattr(mapping.limits, name):
            yield f"{name} is due {limit} s after its start"
    yield from _classed(mapping)
    rows = row_dimension(mapping)
    yield f"the rows of T1 and T2 are {rows}" if rows else "T1 has no rows by category"
    at = mapping.as_of
    yield (
        f"open cases are judged at {at} local time"
        if at
        else ("open cases are judged at the latest time of the region; say another by --as-of")
    )


def _classed(mapping: Mapping) -> Iterator[str]:
    if mapping.affairs:
        by, named = affairs_by(mapping), mapping.affairs.listed()
        rest = mapping.affairs.rest or "unclassified"
        yield f"affair classes are told by {by}: {len(named)} texts are named, every other is {rest}"
    if mapping.sub_centres:
        yield f"sub-centres: {', '.join(mapping.sub_centres)}; other areas are the centre's own"
    if mapping.urgent:
        yield f"urgent is {mapping.urgent.by} = {' or '.join(mapping.urgent.texts)}"


def _tables(mapping: Mapping) -> Iterator[str]:
    terms = terms_of(mapping)
    at = terms.as_of
    # the instant does not matter here: only which columns there are
    basis = basis_of("", [terms], terms, (at or _ANY, ""))
    for asked in Asked:
        wanted = lacking(asked, basis)
        yield f"table {asked}: {f'not answered, it needs {wanted}' if wanted else 'answered'}"


_ANY = datetime(1970, 1, 1, tzinfo=UTC)
