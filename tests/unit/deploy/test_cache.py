"""The download cache: what is used is whole and equal to the sums kept in the repository."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

import pytest

from deploy.local.cache import cache_folder, kafka_jars, read_sums
from deploy.local.errors import DownloadDamaged, StackError

CONTENT = {"broker-1.jar": b"broker", "logger-2.jar": b"logger"}
SUMS = {name: hashlib.sha256(body).hexdigest() for name, body in CONTENT.items()}


class Repository:
    """Stands in for the network: writes its content where it is told, and counts."""

    def __init__(self, content: dict[str, bytes] = CONTENT, *, takes_s: float = 0) -> None:
        self.content = content
        self.takes_s = takes_s
        self.fetched = 0

    def __call__(self, folder: Path) -> list[Path]:
        self.fetched += 1
        folder.mkdir(parents=True)
        time.sleep(self.takes_s)
        for name, body in self.content.items():
            (folder / name).write_bytes(body)
        return sorted(folder.iterdir())


def test_a_second_start_needs_no_network(tmp_path: Path) -> None:
    """Downloads happen once, into the cache."""
    repository = Repository()

    first = kafka_jars(tmp_path, sums=SUMS, fetch=repository)
    second = kafka_jars(tmp_path, sums=SUMS, fetch=repository)

    assert (first, 1) == (second, repository.fetched)
    assert sorted(CONTENT) == sorted(path.name for path in first.iterdir())


def test_two_stacks_started_together_download_once(tmp_path: Path) -> None:
    """The second waits for the first and uses what it fetched."""
    repository = Repository(takes_s=0.1)
    threads = [
        threading.Thread(
            target=kafka_jars, args=(tmp_path,), kwargs={"sums": SUMS, "fetch": repository}
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == repository.fetched


def test_a_download_with_a_wrong_sum_is_named_and_never_used(tmp_path: Path) -> None:
    """The message says which file, and nothing of the download stays."""
    tampered = Repository(CONTENT | {"logger-2.jar": b"tampered"})

    with pytest.raises(DownloadDamaged, match=r"logger-2\.jar .* was expected"):
        kafka_jars(tmp_path, sums=SUMS, fetch=tampered)

    assert [] == [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_file_damaged_in_the_cache_is_named(tmp_path: Path) -> None:
    """A disk error is told at the next start, with what to do."""
    jars = kafka_jars(tmp_path, sums=SUMS, fetch=Repository())
    (jars / "broker-1.jar").write_bytes(b"brok")

    with pytest.raises(DownloadDamaged, match=r"broker-1\.jar .* delete that folder"):
        kafka_jars(tmp_path, sums=SUMS, fetch=Repository())


@pytest.mark.parametrize("broken", ["missing", "extra"])
def test_a_cache_that_is_not_whole_is_refused(tmp_path: Path, broken: str) -> None:
    """Exactly the listed files may be on the broker's class path."""
    jars = kafka_jars(tmp_path, sums=SUMS, fetch=Repository())
    if broken == "missing":
        (jars / "broker-1.jar").unlink()
    else:
        (jars / "other-3.jar").write_bytes(b"other")

    with pytest.raises(DownloadDamaged, match=r"broker-1|other-3"):
        kafka_jars(tmp_path, sums=SUMS, fetch=Repository())


def test_a_cut_off_download_is_never_used(tmp_path: Path) -> None:
    """What a killed start left half-done is removed by the next one, which downloads again."""
    left = tmp_path / ".partial-killed"
    left.mkdir()
    (left / "broker-1.jar").write_bytes(b"bro")
    repository = Repository()

    jars = kafka_jars(tmp_path, sums=SUMS, fetch=repository)

    assert (1, False) == (repository.fetched, left.exists())
    assert b"broker" == (jars / "broker-1.jar").read_bytes()


def test_without_network_the_error_says_what_to_do(tmp_path: Path) -> None:
    """A first start that cannot download names the way around."""

    def unreachable(_: Path) -> list[Path]:
        raise ConnectionError("no route")

    with pytest.raises(StackError, match="LIANDONG_KAFKA"):
        kafka_jars(tmp_path, sums=SUMS, fetch=unreachable)


def test_the_repository_lists_every_jar_of_the_broker() -> None:
    """46 jars, among them the broker's own version of its client (not log4j's choice)."""
    sums = read_sums()

    assert 46 == len(sums)
    assert {
        "kafka_2.13-4.3.1.jar",
        "kafka-clients-4.3.1.jar",
        "slf4j-api-1.7.36.jar",
    } <= sums.keys()


def test_the_cache_lies_outside_the_checkout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """XDG_CACHE_HOME decides, else the platform's folder in the user's home."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert tmp_path / "liandong" == cache_folder()
