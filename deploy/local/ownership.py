"""Who owns the database's folder: PostgreSQL refuses root, so root lends it to another user."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError

_CANDIDATES = ("postgres", "nobody")
_PREFIX, _FOR = "liandong-data-", "run-folder"
_NEUTRAL = Path("/var/tmp")  # noqa: S108 - survives a reboot; each folder below is checked for its owner


@dataclass(frozen=True)
class Owner:
    """A folder and the uid and gid its server runs as (None: as ourselves)."""

    folder: Path
    ids: tuple[int, int] | None

    def fresh(self, name: str) -> Path:
        """Return an empty folder *name* that the server's user may write."""
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        self._give(path)
        return path

    def private_file(self, name: str, text: str) -> Path:
        """Write *text* into a file that only the server's user may read."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
        self._give(path)
        return path

    def _give(self, path: Path) -> None:
        if self.ids:
            os.chown(path, *self.ids)


def owner_for(folder: Path) -> Owner:
    """Return where the server of run folder *folder* keeps its data and who runs it."""
    if os.geteuid() != 0:
        return Owner(folder, None)
    ids = _other_user()
    if reachable(folder, ids):
        folder.chmod(0o711)  # may be passed through, not listed
        return Owner(folder, ids)
    forget_abandoned()
    home = neutral_folder(f"{_PREFIX}{_digest(folder)}")
    (home / _FOR).write_text(str(folder.resolve()))
    return Owner(home, ids)


def forget_abandoned() -> None:
    """Delete neutral data folders of ours whose run folder no longer exists."""
    for home in _NEUTRAL.glob(f"{_PREFIX}*"):
        owned = home.lstat().st_uid == os.geteuid() and (home / _FOR).is_file()
        if owned and not Path((home / _FOR).read_text()).exists():
            shutil.rmtree(home, ignore_errors=True)


def neutral_folder(name: str) -> Path:
    """Return a folder of ours that other users can pass through, below the machine's /var/tmp.

    Raises StackError if somebody else made it first.
    """
    base = _NEUTRAL if _NEUTRAL.is_dir() else Path(tempfile.gettempdir())
    path = base / name
    path.mkdir(mode=0o711, exist_ok=True)
    found = path.lstat()
    if found.st_uid != os.geteuid() or not stat.S_ISDIR(found.st_mode):
        raise StackError(f"{path} belongs to somebody else: remove it and start again")
    return path


def reachable(path: Path, ids: tuple[int, int]) -> bool:
    """Say whether the user *ids* can enter *path* through all its parents."""
    return all(_may_enter(parent.stat(), ids) for parent in [*path.resolve().parents])


def _may_enter(found: os.stat_result, ids: tuple[int, int]) -> bool:
    uid, gid = ids
    if found.st_uid == uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def _other_user() -> tuple[int, int]:
    for name in _CANDIDATES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    raise StackError(
        f"root cannot run PostgreSQL and none of the users {', '.join(_CANDIDATES)} exists: "
        "start as another user or give LIANDONG_POSTGRES"
    )


def _digest(folder: Path) -> str:
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
