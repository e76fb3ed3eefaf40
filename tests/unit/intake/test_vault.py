"""The vault: one key per call, bound to its token."""

from __future__ import annotations

import base64

import pytest

from services.intake.adapters.vault import ContactVault, VaultRefused
from services.intake.domain.contact import Contact

KEY = base64.urlsafe_b64encode(bytes(range(224, 256))).decode()
TOKEN, OTHER = "ab" * 16, "cd" * 16
CONTACT = Contact(phone="13800138000", extra={"xyz": [1, "某某"]}, phone_position=(120.5, 28.5))


def test_what_was_sealed_is_opened_again() -> None:
    """All of it, unknown fields included."""
    vault = ContactVault(KEY, "salt")

    assert CONTACT == vault.open(TOKEN, *vault.seal(TOKEN, CONTACT))


def test_nothing_of_it_can_be_read_sealed() -> None:
    """Neither number nor field."""
    wrapped, sealed = ContactVault(KEY, "salt").seal(TOKEN, CONTACT)

    assert not any(word in wrapped + sealed for word in (b"13800138000", b"phone", b"xyz"))


def test_each_sealing_has_a_key_of_its_own() -> None:
    """Destroying one ends one contact, and only that one."""
    vault = ContactVault(KEY, "salt")
    (one, sealed), (other, _) = vault.seal(TOKEN, CONTACT), vault.seal(TOKEN, CONTACT)

    assert one != other
    with pytest.raises(VaultRefused):
        vault.open(TOKEN, other, sealed)


def test_a_record_cannot_be_moved_to_another_token() -> None:
    """The token is bound into the seal."""
    vault = ContactVault(KEY, "salt")

    with pytest.raises(VaultRefused):
        vault.open(OTHER, *vault.seal(TOKEN, CONTACT))


@pytest.mark.parametrize("key", ["", "short", "no base64 !", base64.b64encode(b"x" * 31).decode()])
def test_a_wrong_master_key_is_refused_at_start(key: str) -> None:
    """And the message does not show it."""
    with pytest.raises(VaultRefused, match="vault_key") as refused:
        ContactVault(key, "salt")

    assert not key or key not in str(refused.value)


def test_bodies_are_told_apart_by_a_keyed_digest() -> None:
    """A plain one could be tried against every number there is."""
    other = base64.urlsafe_b64encode(b"z" * 32).decode()

    assert ContactVault(KEY, "s").digest(b"body") != ContactVault(other, "s").digest(b"body")
