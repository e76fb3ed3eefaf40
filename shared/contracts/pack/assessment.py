"""How units are assessed: the weights of the six parts and from how many cases a unit is ranked."""

from typing import Annotated

from msgspec import Meta, Struct

Points = Annotated[int, Meta(ge=0, le=100)]
WHOLE = 100


class Weights(Struct, frozen=True, forbid_unknown_fields=True):
    """Points of 100 (A02, FIGURES); a part without any case in the period is left out of the score."""

    arrival: Points = 20
    dual_feedback: Points = 20
    closing: Points = 30
    rework: Points = 10
    satisfaction: Points = 10
    reporting: Points = 10

    @property
    def total(self) -> int:
        """Return the sum, which a valid pack has at 100."""
        return sum(getattr(self, name) for name in self.__struct_fields__)


class Assessment(Struct, frozen=True, forbid_unknown_fields=True):
    """`ranked_from`: a unit with fewer duties in the period is scored but not ranked."""

    weights: Weights = Weights()
    ranked_from: Annotated[int, Meta(ge=1)] = 20
