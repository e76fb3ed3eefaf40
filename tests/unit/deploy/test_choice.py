"""Which broker and database are used: given → container → embedded, the same for demo and tests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.containers import docker_engine_answers
from deploy.local.errors import StackError
from deploy.local.infrastructure import KAFKA, POSTGRES, Kind, choose

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Answer one ping as a Docker engine does."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))
        door.listen()

        def answer() -> None:
            connection, _ = door.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield {"DOCKER_HOST": f"unix://{path}"}


def test_given_addresses_come_first(tmp_path: Path) -> None:
    """An operator's broker and database are used as they are, even beside a Docker engine."""
    given = {KAFKA: "127.0.0.1:9092", POSTGRES: "postgresql://a:b@127.0.0.1:5432/postgres"}

    assert (Kind.GIVEN, Kind.GIVEN) == choose(tmp_path, environment=given).kinds


def test_a_docker_engine_comes_second(tmp_path: Path, engine: dict[str, str]) -> None:
    """Containers are used where an engine answers."""
    assert (Kind.CONTAINER, Kind.CONTAINER) == choose(tmp_path, environment=engine).kinds


def test_without_both_the_parts_are_embedded(tmp_path: Path) -> None:
    """Nothing needs to be prepared."""
    assert (Kind.EMBEDDED, Kind.EMBEDDED) == choose(tmp_path, environment=NO_ENGINE).kinds


def test_one_given_address_leaves_the_other_open(tmp_path: Path) -> None:
    """Broker and database are chosen each on its own."""
    mixed = NO_ENGINE | {KAFKA: "127.0.0.1:9092"}

    assert (Kind.GIVEN, Kind.EMBEDDED) == choose(tmp_path, environment=mixed).kinds


def test_a_docker_client_alone_is_not_an_engine(tmp_path: Path) -> None:
    """A socket nobody listens on is answered quickly with no."""
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path))

    assert not docker_engine_answers({"DOCKER_HOST": f"unix://{path}"})


def test_a_given_part_is_not_hurt(tmp_path: Path) -> None:
    """Fault tests kill only what they started."""
    given = choose(tmp_path, environment=NO_ENGINE | {KAFKA: "127.0.0.1:9092"})

    with pytest.raises(StackError, match="unset it"):
        given.kafka.kill()
