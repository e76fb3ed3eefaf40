"""Settings and secrets: named when missing, frozen, never shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.runtime.settings import Secret, ServiceSettings, SettingsError, read

GIVEN = {
    "LIANDONG_ROUTER_KAFKA": "127.0.0.1:9092",
    "LIANDONG_ROUTER_DATABASE": "postgresql://router_app:geheim@127.0.0.1/liandong",
    "LIANDONG_ROUTER_REGION_DIR": "deploy/regions/xianju",
    "LIANDONG_ROUTER_SECRETS": "secrets.json",
}


def test_settings_come_from_the_service_s_own_variables() -> None:
    """Environment `LIANDONG_<SERVICE>_*` only; the rest has safe defaults."""
    found = read(ServiceSettings, "router", {**GIVEN, "LIANDONG_ROUTER_PORT": "8080", "OTHER": "x"})

    assert ("127.0.0.1", 8080) == (found.host, found.port)
    assert Path("deploy/regions/xianju") == found.region_dir


def test_every_missing_setting_is_named_at_once_with_its_meaning() -> None:
    """An error names what is wrong, where, and what to do."""
    with pytest.raises(SettingsError) as refused:
        read(ServiceSettings, "router", {"LIANDONG_ROUTER_KAFKA": "x:1"})

    assert all(
        f"LIANDONG_ROUTER_{n} (" in str(refused.value)
        for n in ("DATABASE", "REGION_DIR", "SECRETS")
    )


@pytest.mark.parametrize("name", ["LIANDONG_ROUTER_KAFAK", "LIANDONG_ROUTER_PORT"])
def test_an_unknown_or_malformed_setting_is_refused(name: str) -> None:
    """A typing error must not silently mean the default."""
    with pytest.raises(SettingsError):
        read(ServiceSettings, "router", {**GIVEN, name: "not a number"})


def test_a_secret_shows_itself_only_when_asked() -> None:
    """No secret in a log, an error or a repr."""
    found = read(ServiceSettings, "router", GIVEN)

    assert "geheim" not in repr(found)
    assert "geheim" not in f"{found.database}"
    assert "geheim" in found.database.reveal()
    assert "x" not in repr(Secret("x")).replace("Secret(***)", "")


def test_a_service_without_settings_says_which_and_ends_with_2() -> None:
    """`python -m services.router` by hand: one line, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "services.router"], env={}, capture_output=True, text=True, check=False, timeout=60
    )  # fmt: skip

    assert 2 == done.returncode
    assert "LIANDONG_ROUTER_KAFKA" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_start_is_logged_without_local_variables(tmp_path: Path) -> None:
    """A traceback with local variables would show a DSN's password."""
    (tmp_path / "secrets.json").write_text("{not json")
    done = subprocess.run(
        [sys.executable, "-m", "services.router"],
        env={**GIVEN, "LIANDONG_ROUTER_SECRETS": str(tmp_path / "secrets.json")},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert 1 == done.returncode
    assert "service failed" in done.stderr
    assert "geheim" not in done.stderr
