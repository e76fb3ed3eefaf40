"""A drill can be played: its places agree with the areas, its kinds can be written, its units always move."""

from collections.abc import Iterator

from shared.contracts.incident import Relation
from shared.contracts.pack.places import at_seat
from shared.contracts.pack.problem import Problem, ProblemReason
from shared.contracts.pack.region_pack import Pack


def drill_problems(pack: Pack) -> Iterator[Problem]:
    """Yield what is wrong with the scenario."""
    for index, kind in enumerate(pack.drill.kinds):
        source = pack.source_by_id.get(kind.source)
        if source and source.code_of(kind.category) is None:
            text = f"source {source.id} has no code or name for {kind.category}"
            yield Problem(("drill", "kinds", index), ProblemReason.UNKNOWN_NAME, text)
    for index, place in enumerate(pack.drill.places):
        area = pack.area_by_code.get(place.area)
        if area and at_seat(area, place.lon, place.lat) != place.at_seat:
            text = f"{place.text}: at_seat {place.at_seat}, its point says otherwise"
            yield Problem(("drill", "places", index), ProblemReason.CONTRADICTION, text)
    for relation in set(Relation) - set(pack.drill.behaviour.arrive):
        text = f"no delay for a unit whose relation to the scene is {relation}"
        yield Problem(("drill", "behaviour", "arrive"), ProblemReason.CANNOT_ANSWER, text)
