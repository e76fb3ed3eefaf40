"""Stored answers of commands, for a double tap or a lost reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.runtime.store import Store


class StoredAnswers:
    """Keeps what `ports.Answers` promises."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def answered(self, keys: Sequence[str]) -> Mapping[str, tuple[bytes, bytes]]:
        """Return digest and answer by key."""
        rows = await self._store.answered(keys)
        return {key: (row["request"], row["answer"]) for key, row in rows.items()}
