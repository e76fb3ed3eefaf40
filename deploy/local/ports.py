"""Free loopback ports for parts that cannot report the port they chose themselves."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_EPHEMERAL_ELSEWHERE = 49152  # IANA's, where the kernel does not say
_BELOW = 12_000
_LOWEST = 10_240
_TRIES = 1000


def free_ports(count: int) -> list[int]:
    """Return *count* different ports of 127.0.0.1 that were free a moment ago.

    They lie below the range the kernel takes for outgoing connections: a client that knocks at a
    dead server's port from that range may be given the very port as its own, connect to itself and
    keep the server from coming back.
    """
    first_ephemeral = _first_ephemeral()
    chance = random.SystemRandom()
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(_TRIES):
            port = chance.randrange(max(first_ephemeral - _BELOW, _LOWEST), first_ephemeral)
            one = held.enter_context(socket.socket())
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"no {count} free ports below {first_ephemeral} on 127.0.0.1")


def answers(host: str, port: int, *, timeout_s: float = 0.2) -> bool:
    """Say whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False


def _first_ephemeral() -> int:
    try:
        first = int(_EPHEMERAL.read_text("ascii").split()[0])
    except (OSError, ValueError):
        first = _EPHEMERAL_ELSEWHERE
    return first if first > _LOWEST + _BELOW else _EPHEMERAL_ELSEWHERE
