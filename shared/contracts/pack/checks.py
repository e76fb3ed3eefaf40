"""What is wrong with a pack as a whole: everything at once, each with where and a named reason."""

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from shared.contracts.pack.assessment import WHOLE
from shared.contracts.pack.check_drill import drill_problems
from shared.contracts.pack.check_names import unknown_names
from shared.contracts.pack.check_routes import route_problems
from shared.contracts.pack.clocks import ties
from shared.contracts.pack.problem import Problem, ProblemReason
from shared.contracts.pack.region_pack import Pack
from shared.contracts.pack.teams import COUNTED_KINDS, PUBLIC_KINDS, Post, Unit, staffing_rule
from shared.contracts.pack.words import CONTINUOUS, Calendar, NoticeCause, Recipient, UnitKind
from shared.contracts.values import OpenEnum

R12_CHANNELS = 2


def validate(pack: Pack) -> list[Problem]:
    """Return everything that is wrong with *pack*, in the order of its sections; empty: it may be used."""
    return list(
        chain(
            _unknown_words(pack, ()),
            _region(pack),
            _doubles(pack),
            unknown_names(pack),
            _counts(pack),
            _units(pack),
            _staffing(pack),
            _clocks(pack),
            route_problems(pack),
            _notices(pack),
            drill_problems(pack),
            _assessment(pack),
        )
    )


def _assessment(pack: Pack) -> Iterator[Problem]:
    if (total := pack.assessment.weights.total) != WHOLE:
        text = f"the weights make {total} points, they have to make {WHOLE}"
        yield Problem(("assessment", "weights"), ProblemReason.WRONG_COUNT, text)


def _unknown_words(value: object, path: tuple[str | int, ...]) -> Iterator[Problem]:
    """Find the words that the contracts' open enumerations took for UNKNOWN: a pack may not have any."""
    if isinstance(value, OpenEnum):
        if value.name == "UNKNOWN":
            yield Problem(path, ProblemReason.UNKNOWN_WORD, f"is no {type(value).__name__}")
    elif isinstance(value, Struct):
        for field in value.__struct_fields__:
            yield from _unknown_words(getattr(value, field), (*path, field))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _unknown_words(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != "unknown":
                yield from _unknown_words(key, (*path, str(key)))
            yield from _unknown_words(item, (*path, str(key)))


def _sub_centres(pack: Pack) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for index, centre in enumerate(pack.region.sub_centres):
        path = ("region", "sub_centres", index, "areas")
        for area in centre.areas:
            if area not in pack.area_by_code:
                yield Problem(path, ProblemReason.UNKNOWN_NAME, f"{area} is no area of the pack")
            elif area in taken:
                text = f"{area} belongs to {taken[area]} already"
                yield Problem(path, ProblemReason.DUPLICATE, text)
            taken.setdefault(area, centre.id)


def _special_periods(pack: Pack) -> Iterator[Problem]:
    for index, special in enumerate(pack.region.special_periods):
        if special.last < special.first:
            path = ("region", "special_periods", index, "last")
            yield Problem(
                path, ProblemReason.CONTRADICTION, f"{special.last} is before its first day"
            )


def _region(pack: Pack) -> Iterator[Problem]:
    try:
        ZoneInfo(pack.region.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        text = f"{pack.region.time_zone!r} is no time zone; write one like Asia/Shanghai"
        yield Problem(("region", "time_zone"), ProblemReason.UNKNOWN_NAME, text)
    yield from _sub_centres(pack)
    yield from _special_periods(pack)
    for index, source in enumerate(pack.sources):
        try:
            codecs.lookup(source.charset)
        except LookupError:
            text = f"{source.charset!r} is no character set; write utf-8 or gb18030"
            yield Problem(("sources", index, "charset"), ProblemReason.UNKNOWN_NAME, text)
    for index, area in enumerate(pack.areas):
        if not area.code.startswith(pack.region.area_code):
            text = f"{area.code} ({area.name}) is not below {pack.region.area_code}"
            yield Problem(("areas", index, "code"), ProblemReason.CONTRADICTION, text)


def _doubles(pack: Pack) -> Iterator[Problem]:
    sections: dict[str, tuple[str, Iterable[str]]] = {
        "areas": ("code", (area.code for area in pack.areas)),
        "departments": ("id", (department.id for department in pack.departments)),
        "posts": ("id", (post.id for post in pack.posts)),
        "commanders": ("id", (rule.id for rule in pack.commanders)),
        "capabilities": ("id", (capability.id for capability in pack.capabilities)),
        "staffing": ("id", (rule.id for rule in pack.staffing)),
        "units": ("id", (unit.id for unit in pack.units)),
        "table_rows": ("id", (row.id for row in pack.table_rows)),
        "categories": ("code", (category.code for category in pack.categories)),
        "sources": ("id", (source.id for source in pack.sources)),
    }
    for section, (field, ids) in sections.items():
        yield from _doubled((section,), field, ids)
    yield from _doubled(("notices", "rules"), "id", (rule.id for rule in pack.notices.rules))
    channels = (policy.channel for policy in pack.notices.channels)
    yield from _doubled(("notices", "channels"), "channel", channels)
    for field in ("sms", "webhook"):
        owners: tuple[Unit | Post, ...] = (*pack.units, *pack.posts)
        counted = Counter(getattr(owner.endpoints, field) for owner in owners)
        for address in (address for address, n in counted.items() if n > 1):
            text = f"two recipients share the {field} address {address}"
            yield Problem(("units",), ProblemReason.DUPLICATE, text)


def _doubled(path: tuple[str | int, ...], field: str, ids: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, each in enumerate(ids):
        if each in seen:
            yield Problem((*path, index, field), ProblemReason.DUPLICATE, f"{each} is taken")
        seen.add(each)


def _counts(pack: Pack) -> Iterator[Problem]:
    """P14: 40 teams, 23 public, 16 professional, 1 expert; units of ours do not count."""
    kinds = Counter(unit.kind for unit in pack.units if not unit.ours)
    found = {
        "areas": len(pack.areas),
        "teams": sum(kinds[kind] for kind in COUNTED_KINDS),
        "public": sum(kinds[kind] for kind in PUBLIC_KINDS),
        "professional": kinds[UnitKind.PROFESSIONAL],
        "expert": kinds[UnitKind.EXPERT],
    }
    for what, count in found.items():
        wanted = getattr(pack.region.expects, what)
        if count != wanted:
            text = f"the source counts {wanted}, the pack has {count}"
            yield Problem(("region", "expects", what), ProblemReason.WRONG_COUNT, text)
    desks = sum(1 for unit in pack.units if unit.kind is UnitKind.DESK)
    if desks != 1:
        text = f"exactly one unit of kind desk must exist, found {desks}"
        yield Problem(("units",), ProblemReason.NO_DESK, text)


def _units(pack: Pack) -> Iterator[Problem]:
    """A backup is somebody else, and an area has one squad, or `township_of_scene` could not choose."""
    squads: set[str] = set()
    for index, unit in enumerate(pack.units):
        if unit.backup == unit.id:
            text = f"{unit.id} is its own backup"
            yield Problem(("units", index, "backup"), ProblemReason.CONTRADICTION, text)
        if unit.kind is UnitKind.TOWNSHIP:
            if unit.base in squads:
                text = f"{unit.id}: area {unit.base} has a township squad already"
                yield Problem(("units", index, "base"), ProblemReason.DUPLICATE, text)
            squads.add(unit.base)


def _staffing(pack: Pack) -> Iterator[Problem]:
    """P17: the figure stated for a unit is the table's, and its roll reaches it."""
    for index, unit in enumerate(pack.units):
        base = pack.area_by_code.get(unit.base)
        rule = staffing_rule(pack.staffing, unit, base.staffing_class) if base else None
        at_least = rule.at_least if rule else 0
        if unit.min_staff != at_least:
            text = f"{unit.id}: min_staff {unit.min_staff}, P17 asks for {at_least}"
            yield Problem(("units", index, "min_staff"), ProblemReason.CONTRADICTION, text)
        if unit.staff < at_least:
            text = f"{unit.id}: {unit.staff} people, P17 asks for at least {at_least}"
            yield Problem(("units", index, "staff"), ProblemReason.UNDERSTAFFED, text)
        if rule and rule.at_most is not None and unit.staff > rule.at_most:
            text = f"{unit.id}: {unit.staff} people, P17 asks for at most {rule.at_most}"
            yield Problem(("units", index, "staff"), ProblemReason.OVERSTAFFED, text)


def _clocks(pack: Pack) -> Iterator[Problem]:
    for one, other in ties(pack.clocks):
        text = (
            f"{one.stamp} and {other.stamp} fit the same facts equally well; make one more specific"
        )
        yield Problem(("clocks", pack.clocks.index(other)), ProblemReason.TIE, text)
    for index, rule in enumerate(pack.clocks):
        if rule.id in pack.region.expects.foreign_rules:
            text = f"{rule.id} is another place's rule and must not stand in this pack"
            yield Problem(("clocks", index, "id"), ProblemReason.FOREIGN_RULE, text)
        if rule.unit not in CONTINUOUS or rule.calendar is not Calendar.CONTINUOUS:
            text = f"{rule.id}: limits in working time need calendars, which are not built yet"
            yield Problem(("clocks", index, "unit"), ProblemReason.NOT_YET, text)
        if list(rule.warn_at) != sorted(set(rule.warn_at)):
            text = f"{rule.id}: warn_at must rise"
            yield Problem(("clocks", index, "warn_at"), ProblemReason.CONTRADICTION, text)


def _notices(pack: Pack) -> Iterator[Problem]:
    """R12: an order goes to the unit on two channels at once, and every channel used has a policy."""
    policies = {policy.channel for policy in pack.notices.channels}
    for index, rule in enumerate(pack.notices.rules):
        for channel in set(rule.channels) - policies:
            text = f"channel {channel} has no policy"
            yield Problem(("notices", "rules", index), ProblemReason.UNKNOWN_NAME, text)
    orders = [
        rule
        for rule in pack.notices.rules
        if rule.cause is NoticeCause.DISPATCHED
        and rule.to is Recipient.UNIT
        and not rule.severities
    ]
    if not any(len(set(rule.channels)) >= R12_CHANNELS for rule in orders):
        text = "R12 asks for a rule that tells the unit of a dispatch on two channels"
        yield Problem(("notices", "rules"), ProblemReason.NOT_TOLD, text)
