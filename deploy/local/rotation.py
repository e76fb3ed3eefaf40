"""Keeps what a part prints in a log that stays bounded, without losing a line of it."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO

MOST_BYTES = 20 * 1024 * 1024
KEPT = 3
"""Older logs beside the log: `router-1.log.1` is the newest, `.3` the oldest."""
_CHUNK = 64 * 1024
_PIPE_BYTES = 1024 * 1024
"""What a part can print while this process does not come to read, before it has to wait (Linux)."""


class Recorder:
    """A thread that appends what comes out of a pipe to *log*, until nobody can write to the pipe.

    The file is changed between two lines, by renaming: what was printed is in exactly one of them.
    A part cannot be held up by a full disk: what does not fit is counted and said later.
    """

    def __init__(self, log: Path, *, most_bytes: int | None = None, kept: int = KEPT) -> None:
        """Open *log*; raises OSError where that is not possible."""
        self._log = log
        self._most = MOST_BYTES if most_bytes is None else most_bytes
        self._kept = kept
        self._lost = 0
        self._file = log.open("ab", buffering=0)
        self._size = self._file.tell()
        self._thread: threading.Thread | None = None

    def start(self, pipe: IO[bytes]) -> None:
        """Begin to read *pipe*, which is closed at its end."""
        with suppress(OSError, AttributeError):  # smaller pipes elsewhere, and past a user's limit
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        name = f"log of {self._log.stem}"
        self._thread = threading.Thread(target=self._run, args=(pipe,), name=name, daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait until everything printed is in the log; something below the part may hold the pipe on."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self, pipe: IO[bytes]) -> None:
        with pipe:
            while chunk := os.read(pipe.fileno(), _CHUNK):
                try:
                    self._take(chunk)
                except OSError as error:
                    self._lost += len(chunk)
                    self._why = error
        self._file.close()

    def _take(self, chunk: bytes) -> None:
        if self._lost:
            self._append(f"… {self._lost} bytes of this log were lost: {self._why}\n".encode())
            self._lost = 0
        if self._size + len(chunk) <= self._most:
            self._append(chunk)
            return
        end = chunk.rfind(b"\n") + 1  # a line longer than a chunk: at its end
        self._append(chunk[:end])
        if end:
            self._change()
        self._append(chunk[end:])

    def _append(self, text: bytes) -> None:
        while text:
            written = self._file.write(text) or 0
            self._size += written
            text = text[written:]

    def _change(self) -> None:
        """Begin a new file, as readable as the old one; the oldest is forgotten.

        Made before anything is renamed: where that fails the old one goes on.
        """
        begun = self._log.with_name(f"{self._log.name}.next")
        following = begun.open("wb", buffering=0)
        os.fchmod(following.fileno(), os.fstat(self._file.fileno()).st_mode & 0o777)
        for number in range(self._kept, 1, -1):
            with suppress(FileNotFoundError):
                self._older(number - 1).replace(self._older(number))
        with suppress(FileNotFoundError):
            self._log.replace(self._older(1))
        begun.replace(self._log)
        self._file.close()
        self._file, self._size = following, 0

    def _older(self, number: int) -> Path:
        return self._log.with_name(f"{self._log.name}.{number}")
