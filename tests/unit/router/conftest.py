"""The region and policy router's decisions are tried with."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.router.domain.policy import Policy
from shared.contracts.pack import Pack
from shared.runtime.packs import load_pack

REGION = Path(__file__).parents[3] / "deploy" / "regions" / "xianju"


@pytest.fixture(scope="session")
def pack() -> Pack:
    """Return 仙居县."""
    return load_pack(REGION)


@pytest.fixture(scope="session")
def policy(pack: Pack) -> Policy:
    """Return its policy at speed 1."""
    return Policy(pack)
