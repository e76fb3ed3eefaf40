"""Free loopback ports for parts that cannot report the port they chose themselves."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """Return *count* different ports of 127.0.0.1 that were free a moment ago."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def answers(host: str, port: int, *, timeout_s: float = 0.2) -> bool:
    """Say whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout_s):
            return True
    except OSError:
        return False
