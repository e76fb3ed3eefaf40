"""A wire between intake and PostgreSQL that can be cut at the moment that matters."""

from __future__ import annotations

import contextlib
import socket
import threading
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

MARK = b'"received_at"'
"""Stands in what is written of a call, and in no look."""


class Cut(Enum):
    """When the wire breaks."""

    NEVER = 0
    BEFORE = 1
    """The write never reaches the database."""
    AFTER = 2
    """The write is done, and its answer is lost."""


class Wire:
    """Forwards connections to a DSN's server; `cut` is obeyed once, at the next write of a call."""

    def __init__(self, dsn: str) -> None:
        self.cut = Cut.NEVER
        parts = urlsplit(dsn)
        self._target = (str(parts.hostname), int(parts.port or 5432))
        self._listening = socket.create_server(("127.0.0.1", 0))
        place = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{self._listening.getsockname()[1]}"
        self.dsn = urlunsplit(parts._replace(netloc=place))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more."""
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._target)
                lost = threading.Event()
                for pump in (self._to_server, self._to_client):
                    threading.Thread(target=pump, args=(client, server, lost), daemon=True).start()

    def _to_server(
        self, client: socket.socket, server: socket.socket, lost: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 20):
                if MARK in data and self.cut is not Cut.NEVER:
                    how, self.cut = self.cut, Cut.NEVER
                    if how is Cut.BEFORE:
                        break
                    lost.set()
                server.sendall(data)
        _end(client, server)

    def _to_client(
        self, client: socket.socket, server: socket.socket, lost: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 20):
                if lost.is_set():
                    break
                client.sendall(data)
        _end(client, server)


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
