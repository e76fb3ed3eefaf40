"""Secrets: random, private, stable, and no service knows more than it needs."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest

from deploy.local.secrets import StackSecrets
from shared.runtime.keys import Keyring, load

SERVICES = ["intake", "router", "notify", "drill"]


@pytest.fixture
def made(tmp_path: Path) -> StackSecrets:
    """Make the secrets of a small stack."""
    secrets = StackSecrets(tmp_path)
    secrets.make(SERVICES, ["110", "12345"], ["xj-rescue"])
    return secrets


def test_every_file_is_private(made: StackSecrets) -> None:
    """Day-one decisions: mode 0600."""
    folder = made.file("intake").parent

    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_a_second_start_keeps_them(made: StackSecrets) -> None:
    """Made at random at the first start, and only then; a new unit gets a key of its own."""
    again = StackSecrets(made.file("intake").parent)
    again.make(SERVICES, ["110", "12345"], ["xj-rescue", "xj-new"])

    assert dict(made.keys).items() <= dict(again.keys).items()
    assert "unit:xj-new" in again.keys
    assert made.passwords("router") == again.passwords("router")


def test_two_stacks_share_no_secret(tmp_path: Path) -> None:
    """There are no defaults."""
    values = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        secrets = StackSecrets(tmp_path / name)
        secrets.make(SERVICES, ["110"], [])
        values.append({*secrets.keys.values(), secrets.passwords("router").app})

    assert set() == values[0] & values[1]


def test_services_get_digests_not_keys(made: StackSecrets) -> None:
    """Only drill, which plays the hotlines and units, can speak with their keys."""
    for service in ("intake", "router", "notify"):
        text = made.file(service).read_text("utf-8")

        assert not [key for key in made.keys.values() if key in text]


def test_the_runtime_reads_what_is_written(made: StackSecrets) -> None:
    """A hotline's key opens intake's door for that source only, a unit's key router's."""
    intake = Keyring(load(made.file("intake")).api_keys)
    router = Keyring(load(made.file("router")).api_keys)
    hotline = intake.of(f"Bearer {made.keys['source:110']}")
    unit = router.of(made.keys["unit:xj-rescue"])

    assert hotline is not None
    assert unit is not None
    assert (True, False) == (hotline.may("source:110"), hotline.may("source:12345"))
    assert ("xj-rescue",) == unit.granted("unit")
    assert intake.of(made.keys["unit:xj-rescue"]) is None
    assert router.of(made.keys["source:110"]) is None


def test_only_intake_holds_the_vaults_key(made: StackSecrets) -> None:
    """Contacts are encrypted by intake and read by nobody else."""
    holders = [s for s in SERVICES if json.loads(made.file(s).read_text("utf-8")).get("vault_key")]

    assert ["intake"] == holders


def test_a_shell_can_read_the_keys(made: StackSecrets) -> None:
    """`source keys.env` gives curl $KEY_110 and $KEY_DESK."""
    lines = (made.file("intake").parent / "keys.env").read_text("utf-8").splitlines()
    keys = dict(line.split("=", 1) for line in lines)

    assert made.keys["source:110"] == keys["KEY_110"]
    assert {"KEY_DESK", "KEY_UNIT_XJ_RESCUE", "KEY_12345"} <= keys.keys()
    assert hashlib.sha256(keys["KEY_DESK"].encode()).hexdigest() in made.file("router").read_text()
