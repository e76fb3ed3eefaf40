"""What is reported: categories of three levels, and how each hotline's codes map to them."""

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from shared.contracts.pack.teams import Id, Severity
from shared.contracts.pack.words import (
    UNCLASSIFIED,
    AffairClass,
    CoordinateSystem,
    FeedFormat,
)
from shared.contracts.values import Lane, Line

CategoryCode = Annotated[str, Meta(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+){0,2}$")]


class TableRow(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of table T1, in the order printed."""

    id: Annotated[str, Meta(pattern=r"^[a-z_]+$")]
    name: str


class Category(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of incident; `code` has one to three levels parted by dots (`traffic.collision.injury`).

    `severity` is the default, 1 gravest (特别重大) to 4 (一般); `row` is its row of T1.
    """

    code: CategoryCode
    name: str
    affair: AffairClass
    lane: Lane
    severity: Severity
    row: str
    capabilities: tuple[str, ...] = ()


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """How one hotline writes (FEEDS 1, 3).

    `line_field` is the field that tells the line (`bjfsdm` or `jjlxdm`), None where the source
    has one line only; `line_codes` its code table. `category_codes` maps bjlb/bjlx/bjxl codes,
    `category_names` the names a 12345 order uses. `strict` refuses (409) a new body under a known id; `unclassified_lane`
    is where a call of no known kind goes.
    """

    id: Id
    name: str
    line: Line
    format: FeedFormat
    charset: str
    coordinates: CoordinateSystem
    strict: bool
    unclassified_lane: Lane
    line_field: str | None = None
    line_codes: dict[str, Line] = {}
    category_codes: dict[str, str] = {}
    category_names: dict[str, str] = {}
    severity_codes: dict[str, Severity] = {}

    def category(self, codes: Iterable[str], names: Iterable[str] = ()) -> str:
        """Map raw codes, then names, most specific first; `unclassified` when none is known."""
        for code in codes:
            if found := self.category_codes.get(code):
                return found
        for name in names:
            if found := self.category_names.get(name):
                return found
        return UNCLASSIFIED

    def code_of(self, category: str) -> str | None:
        """Return the longest code (else name) this source writes for *category*; a drill asks."""
        for table in (self.category_codes, self.category_names):
            written = [raw for raw, ours in table.items() if ours == category]
            if written:
                return max(written, key=lambda raw: (len(raw), raw))
        return None
