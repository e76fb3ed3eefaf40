"""Notify as a process of its own, to be killed: `python -m tests.integration.notify.worker` < task."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec.structs import replace

from services.notify.__main__ import Wired, wire
from services.notify.config import Settings
from shared.contracts.pack import Pack
from shared.runtime import service
from shared.runtime.keys import Principal, SecretsFile
from shared.runtime.packs import load_pack
from shared.runtime.settings import Secret

REGION = Path(__file__).parents[3] / "deploy" / "regions" / "xianju"
DESK_KEY, UNIT_KEY = "desk-key", "unit-key"
PROVIDER_KEYS = {"sms": "sms-key", "webhook": "webhook-key"}


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Where to work; `consumers` are of this test alone."""

    kafka: str
    dsn: str
    instance: str
    sms: str
    webhook: str
    consumers: dict[str, tuple[str, ...]]
    endpoint_file: str | None = None
    sla_silent_s: float = 30.0
    attempts: int = 4
    first_delay_s: float = 0.05
    max_delay_s: float = 0.2
    timeout_s: float = 1.0
    give_up_after_s: float = 20.0
    digest_after_s: int = 1800


def pack_of(task: Task) -> Pack:
    """Return Xianju's pack with channels that lose patience soon, and its cut-off as asked for."""
    pack = load_pack(REGION)
    channels = tuple(
        replace(
            policy,
            attempts=task.attempts,
            first_delay_s=task.first_delay_s,
            max_delay_s=task.max_delay_s,
            timeout_s=task.timeout_s,
            give_up_after_s=task.give_up_after_s,
        )
        for policy in pack.notices.channels
    )
    notices = replace(pack.notices, channels=channels, digest_after_s=task.digest_after_s)
    return replace(pack, notices=notices)


def secrets() -> SecretsFile:
    """Return keys of the desk, of a unit, and of the providers."""
    principals = tuple(
        Principal(name=scope, sha256=sha256(key.encode()).hexdigest(), scopes=(scope,))
        for scope, key in (("desk", DESK_KEY), ("unit:xj-rescue", UNIT_KEY))
    )
    return SecretsFile(api_keys=principals, provider_keys=PROVIDER_KEYS)


async def wired(task: Task) -> Wired:
    """Return notify as *task* wants it."""
    config = Settings(
        kafka=task.kafka,
        database=Secret(task.dsn),
        region_dir=REGION,
        secrets=Path("unused"),
        instance=task.instance,
        endpoint_file=Path(task.endpoint_file) if task.endpoint_file else None,
        sms_url=task.sms,
        webhook_url=task.webhook,
        sla_silent_s=task.sla_silent_s,
        digest_quiet_s=0.5,
    )
    return await wire(config, pack_of(task), secrets(), task.consumers)


async def main() -> None:
    """Run until killed."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    await (await wired(task)).run()


if __name__ == "__main__":
    service.main(main)
