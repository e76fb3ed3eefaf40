"""Ports for broker and database."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from deploy.local.ports import free_ports

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_ports_are_free_and_different() -> None:
    """Two stacks can run side by side: nothing is fixed."""
    ports = free_ports(20)

    assert 20 == len(set(ports))
    for port in ports:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


@pytest.mark.skipif(not RANGE.exists(), reason="only Linux tells its range")
def test_no_outgoing_connection_can_take_the_port_of_a_dead_server() -> None:
    """Knocking at a closed port of that range can end in a connection to oneself."""
    first = int(RANGE.read_text().split()[0])
    if first < 23_000:
        pytest.skip("this machine leaves no room below its range")

    assert all(port < first for port in free_ports(50))
