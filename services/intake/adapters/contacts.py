"""Who looked at a contact: the audit row is written first, only then is anything opened."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from services.intake.adapters.vault import ContactVault
from services.intake.domain.contact import MaskedContact, masked
from shared.runtime.database import Database


class AccessReason(StrEnum):
    """Why the desk looks at a contact, or ends it; a closed list, for a reason stands in the URL."""

    CALL_BACK = "call_back"
    VERIFY = "verify"
    DISPATCH = "dispatch"
    COMPLAINT = "complaint"
    RETENTION_ENDED = "retention_ended"


# one autocommit statement: rows come back only once the audit row is durable
_LOOK = """
with seen as (
  insert into contact_access (token, call_id, who, what, reason)
  select c.token, c.call_id, $2, 'masked', $3 from contact c
  where c.token = $1 and c.wrapped_key is not null returning token)
select c.wrapped_key, c.sealed from contact c join seen using (token)
"""
_DESTROY = """
with gone as (
  update contact set wrapped_key = null, sealed = null, destroyed_at = clock_timestamp()
  where token = $1 and wrapped_key is not null returning token, call_id)
insert into contact_access (token, call_id, who, what, reason)
select token, call_id, $2, 'destroyed', $3 from gone returning access_id
"""


class Contacts:
    """The desk's way to the vault; every access leaves a row."""

    def __init__(self, database: Database, vault: ContactVault) -> None:
        self._database = database
        self._vault = vault

    async def look(self, token: UUID, who: str, reason: AccessReason) -> MaskedContact | None:
        """Return the contact masked, None where there is none or it was destroyed."""
        rows = await self._database.write(_LOOK, token, who, str(reason))
        if not rows:
            return None
        return masked(self._vault.open(token.hex, rows[0]["wrapped_key"], rows[0]["sealed"]))

    async def destroy(self, token: UUID, who: str, reason: AccessReason) -> bool:
        """Destroy the contact's key, and with it every copy; False where there was none."""
        return bool(await self._database.write(_DESTROY, token, who, str(reason)))
