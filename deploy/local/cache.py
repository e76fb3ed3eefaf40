"""The download cache: Kafka's jars, fetched once, each equal to the sum kept in the repository."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local.errors import DownloadDamaged, StackError

KAFKA_VERSION = "4.3.1"
SUMS_FILE = Path(__file__).with_name("kafka-jars.sha256")

# Resolved one after the other: together, log4j's managed versions would replace kafka-clients by
# 3.9.1 and the broker could not run. Kafka 4 binds slf4j 1.7, hence log4j-slf4j-impl.
_COORDINATES = (
    (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",),
    (
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
        "org.apache.logging.log4j:log4j-core:2.25.4",
    ),
)
_DOWNLOAD_TIMEOUT_S = 60
_PARTIAL = ".partial-"

Fetch = Callable[[Path], list[Path]]
"""Downloads into the folder given and returns the jars."""


def cache_folder() -> Path:
    """Return the user's cache folder for this platform; nothing is created."""
    configured = os.environ.get("XDG_CACHE_HOME")
    if configured:
        return Path(configured) / "liandong"
    home = Path.home()
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "liandong"


def is_downloaded(folder: Path | None = None) -> bool:
    """Say whether Kafka's jars are in the cache, so that a start needs no network."""
    return ((folder or cache_folder()) / f"kafka-{KAFKA_VERSION}").is_dir()


def read_sums(path: Path = SUMS_FILE) -> dict[str, str]:
    """Return file name to SHA-256 (hex) from a `sha256sum` listing."""
    pairs = (line.split() for line in path.read_text("ascii").splitlines() if line.strip())
    return {name: digest for digest, name in pairs}


def kafka_jars(
    folder: Path | None = None,
    *,
    sums: Mapping[str, str] | None = None,
    fetch: Fetch | None = None,
) -> Path:
    """Return the folder with Kafka's jars, downloaded if need be; no network when they are there.

    Two stacks may call this at once. Raises DownloadDamaged naming the file, StackError when the
    download fails.
    """
    folder = folder or cache_folder()
    sums = read_sums() if sums is None else sums
    jars = folder / f"kafka-{KAFKA_VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / f"kafka-{KAFKA_VERSION}.lock"):
        if not jars.is_dir():
            _download(folder, jars, sums, fetch or resolve)
        verify(jars, sums)
    return jars


def verify(folder: Path, sums: Mapping[str, str]) -> None:
    """Raise DownloadDamaged unless *folder* holds exactly the files of *sums*."""
    present = {path.name: path for path in folder.glob("*.jar")}
    for name, expected in sorted(sums.items()):
        if name not in present:
            raise DownloadDamaged(
                f"{name} is missing in {folder}: delete that folder and try again"
            )
        found = _sha256(present[name])
        if found != expected:
            raise DownloadDamaged(
                f"{name} in {folder} has SHA-256 {found}, {expected} was expected "
                f"({SUMS_FILE.name}): delete that folder and try again"
            )
    extra = sorted(present.keys() - sums.keys())
    if extra:
        raise DownloadDamaged(f"{extra[0]} in {folder} is not listed in {SUMS_FILE.name}")


def resolve(folder: Path) -> list[Path]:
    """Download Kafka and its logger into *folder* as a Maven repository and return the jars."""
    from jgo.maven import MavenContext  # noqa: PLC0415 - slow import, needed on the first start only

    context = MavenContext(repo_cache=folder, timeout=_DOWNLOAD_TIMEOUT_S)
    found: dict[str, Path] = {}
    for coordinates in _COORDINATES:
        wanted = [context.create_dependency(each) for each in coordinates]
        inputs, transitive = context.resolver.resolve(wanted)
        needed = [*inputs, *(one for one in transitive if one.scope in ("compile", "runtime"))]
        for one in needed:
            path = Path(one.artifact.resolve())
            found.setdefault(path.name, path)
    return list(found.values())


def _download(folder: Path, target: Path, sums: Mapping[str, str], fetch: Fetch) -> None:
    for abandoned in folder.glob(f"{_PARTIAL}*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=folder))
    try:
        ready = partial / "jars"
        ready.mkdir()
        for path in _fetched(fetch, partial / "repository"):
            path.replace(ready / path.name)
        verify(ready, sums)
        ready.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fetched(fetch: Fetch, folder: Path) -> list[Path]:
    try:
        return fetch(folder)
    except Exception as error:  # jgo raises what its HTTP client raises, and RuntimeError
        raise StackError(
            f"Kafka {KAFKA_VERSION} could not be downloaded ({type(error).__name__}: {error}): "
            "the first start needs a Maven repository; or give LIANDONG_KAFKA=host:port"
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
