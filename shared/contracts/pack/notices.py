"""Who is told of which change, on which channels, and how hard it is tried."""

from typing import Annotated

from msgspec import Meta, Struct

from shared.contracts.notice import Purpose
from shared.contracts.pack.places import Positive
from shared.contracts.pack.teams import Id, Severity
from shared.contracts.pack.words import Channel, NoticeCause, Recipient
from shared.contracts.sla import ClockKind


class NoticeRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Tell *to* of a change *cause*, over all *channels* at once. Every rule that fits applies.

    `clocks` and `severities` narrow it, empty fits all; `purpose` is the notice's word. `source` is R12, R17, ... or `ours`.
    """

    id: Id
    cause: NoticeCause
    to: Recipient
    purpose: Purpose
    channels: Annotated[tuple[Channel, ...], Meta(min_length=1)]
    source: str
    clocks: tuple[ClockKind, ...] = ()
    severities: tuple[Severity, ...] = ()

    def fits(self, cause: NoticeCause, clock: ClockKind | None, severity: int | None) -> bool:
        return (
            self.cause is cause
            and (not self.clocks or clock in self.clocks)
            and (not self.severities or severity in self.severities)
        )


class ChannelPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """How one channel is tried: delays grow by `factor` up to `max_delay_s`; all in seconds.

    After `attempts` tries or `give_up_after_s` the notice is given up and `fallback` is told
    on its other channels.
    """

    channel: Channel
    attempts: Positive
    timeout_s: Annotated[float, Meta(gt=0)]
    first_delay_s: Annotated[float, Meta(gt=0)]
    factor: Annotated[float, Meta(ge=1)]
    max_delay_s: Annotated[float, Meta(gt=0)]
    give_up_after_s: Annotated[float, Meta(gt=0)]
    fallback: Recipient | None = None


class Notices(Struct, frozen=True, forbid_unknown_fields=True):
    """The rules, the channels, and the cut-off in wall seconds.

    Word that is older than `digest_after_s` when it could first be sent goes as one digest per
    recipient, orders apart (DOMAIN §4); alarms about the platform after the first one as one digest
    in this time (ours).
    """

    rules: tuple[NoticeRule, ...]
    channels: tuple[ChannelPolicy, ...]
    digest_after_s: Positive
