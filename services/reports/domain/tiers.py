"""Who commands where: the centre's own areas and those of each sub-centre 分中心 (P03)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.reports.domain.quantities import OTHER
from shared.contracts.pack import Pack

CENTRE, CENTRE_NAME = "centre", "中心本级"


@dataclass(frozen=True)
class Tiers:
    """The rows of T4: `names` by id in the order printed, `of_area` the id by area code."""

    names: Mapping[str, str]
    of_area: Mapping[str, str]

    def of(self, area: str | None) -> str:
        """Return the tier that commands in *area*, `other` where nobody knows the place."""
        return self.of_area.get(area or "", OTHER)


def tiers(pack: Pack) -> Tiers:
    """Return the pack's sub-centres; a pack without any has one a township (*ours*).

    Areas that no sub-centre has are the centre's own; without sub-centres those of the county town.
    """
    named = pack.region.sub_centres
    if named:
        own = {area: each.id for each in named for area in each.areas}
        names = {each.id: each.name for each in named}
    else:
        outside = [area for area in pack.areas if not area.county_town]
        own = {area.code: area.code for area in outside}
        names = {area.code: area.name for area in outside}
    return Tiers(
        names={CENTRE: CENTRE_NAME, **names},
        of_area={area.code: own.get(area.code, CENTRE) for area in pack.areas},
    )
