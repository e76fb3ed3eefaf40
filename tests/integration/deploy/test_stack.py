"""The supervisor: what dies comes back, what is stopped is gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest

from deploy.local import processes
from deploy.local.errors import AlreadyRunning, PartFailed
from deploy.local.infrastructure import Infrastructure
from deploy.local.parts import Service
from deploy.local.run_folder import RunFolder
from deploy.local.stack import Stack
from tests.parts import MakeStack

ROOT = Path(__file__).resolve().parents[3]
PROBE = Service(name="probe", module="tests.integration.deploy.probe_service")
T0 = datetime(2026, 11, 22, tzinfo=UTC)
pytestmark = pytest.mark.faults

WHOLE = """
import asyncio, sys
from pathlib import Path
from deploy.local import until_stopped
from deploy.local.parts import Service
from deploy.local.stack import Stack

probe = Service(name="probe", module="tests.integration.deploy.probe_service")


async def main() -> int:
    async with Stack(services=[probe], run_dir=Path(sys.argv[1]), disposable=True):
        print("up", flush=True)
        await asyncio.Event().wait()
    return 0


sys.exit(until_stopped.run(main()))
"""


def pids(folder: Path) -> dict[int, float]:
    """Return pid and birth of everything the supervisor of *folder* started."""
    told = json.loads((folder / "endpoints.json").read_text("utf-8"))
    return {part["pid"]: part["born"] for part in told["parts"].values()}


def alive(parts: dict[int, float]) -> list[int]:
    """Return those that still run."""
    return [p.pid for p in processes.leftovers(parts) if p.status() != "zombie"]


async def gone(parts: dict[int, float]) -> bool:
    """Wait up to ten seconds until none of *parts* runs."""
    deadline = time.monotonic() + 10
    while alive(parts) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    return not alive(parts)


def whole_stack(folder: Path) -> subprocess.Popen[str]:
    """Start broker, database and a probe under a supervisor of its own and wait until it is up."""
    process = subprocess.Popen(
        [sys.executable, "-c", WHOLE, str(folder)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


async def test_each_instance_is_told_the_contract(
    stacks: MakeStack, infrastructure: Infrastructure
) -> None:
    """Environment `LIANDONG_<SERVICE>_*` only: addresses, instance, pack, secrets; the clock is a row."""
    probe = Service(name="probe", module=PROBE.module, environment={"SEEN": "yes"})
    async with stacks(
        services=[probe], instances={"probe": 2}, infrastructure=infrastructure, clock=(T0, 720)
    ) as stack:
        told = [httpx.get(address).json() for address in stack.addresses("probe")]
        with psycopg.connect(stack.dsn("probe")) as app:
            row = app.execute("select speed, origin from platform.clock").fetchone()

        assert ["probe-1", "probe-2"] == [each["INSTANCE"] for each in told]
        assert {
            "KAFKA",
            "DATABASE",
            "REGION_DIR",
            "SECRETS",
            "HOST",
            "PORT",
            "ENDPOINT_FILE",
        } <= set(told[0])
        assert "yes" == told[0]["SEEN"]
        assert (720.0, T0) == row


async def test_a_killed_service_comes_back_at_its_address(
    stacks: MakeStack, infrastructure: Infrastructure
) -> None:
    """Restarted with back-off and counted; its clients need not look it up again."""
    async with stacks(services=[PROBE], infrastructure=infrastructure) as stack:
        address, pid = stack.http("probe"), stack.pid("probe-1")
        stack.kill("probe-1")
        while not stack.restarts["probe-1"]:
            await asyncio.sleep(0.02)
        await stack.ready("probe-1")

        assert address == stack.http("probe")
        assert 200 == httpx.get(address).status_code
        assert pid != stack.pid("probe-1")
        assert 1 == stack.restarts["probe-1"]


async def test_the_operator_s_file_holds_what_the_services_were_given(
    stacks: MakeStack, infrastructure: Infrastructure
) -> None:
    """§4.2, §4.6: `offsets` and `deadletter` must be usable at night, without searching for a password."""
    async with stacks(services=[PROBE], infrastructure=infrastructure) as stack:
        path = stack.folder.secrets / "operator.env"
        shown = subprocess.run(
            ["/bin/sh", "-c", '. "$1"; echo "$LIANDONG_PROBE_KAFKA $LIANDONG_PROBE_DATABASE"', "sh", path],
            capture_output=True, text=True, check=True,
        )  # fmt: skip

        assert f"{stack.kafka} {stack.dsn('probe')}" == shown.stdout.strip()
        assert 0o600 == path.stat().st_mode & 0o777


async def test_a_held_service_stays_dead_until_told(
    stacks: MakeStack, infrastructure: Infrastructure
) -> None:
    """A fault test decides how long a part is away."""
    async with stacks(services=[PROBE], infrastructure=infrastructure) as stack:
        stack.kill("probe-1", hold=True)
        with pytest.raises(TimeoutError):
            await stack.ready("probe-1", timeout_s=1)
        await stack.restart("probe-1")

        assert 200 == httpx.get(stack.http("probe")).status_code
        assert 0 == stack.restarts["probe-1"]


async def test_a_service_that_cannot_start_says_why(
    stacks: MakeStack, infrastructure: Infrastructure
) -> None:
    """The end of its log stands in the error, and nothing stays behind."""
    broken = {"probe": {"MODE": "broken"}}

    with pytest.raises(PartFailed, match="told to break"):
        async with stacks(services=[PROBE], environment=broken, infrastructure=infrastructure):
            pytest.fail("must not come up")


async def test_a_wire_to_a_service_that_is_not_there_is_named(
    stacks: MakeStack, infrastructure: Infrastructure
) -> None:
    """`{router}` in a setting waits for the router's address; without a router that is an error."""
    wire = {"probe": {"ROUTER": "{router}/v1"}}

    with pytest.raises(PartFailed, match="probe-1 wait"):
        async with stacks(services=[PROBE], environment=wire, infrastructure=infrastructure):
            pytest.fail("must not come up")


async def test_what_does_not_stop_is_killed(
    stacks: MakeStack, infrastructure: Infrastructure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left running, whatever it does with SIGTERM."""
    monkeypatch.setattr("deploy.local.parts._STOP_TIMEOUT_S", 0.3)
    stubborn = {"probe": {"MODE": "stubborn"}}
    async with stacks(
        services=[PROBE], environment=stubborn, infrastructure=infrastructure
    ) as stack:
        started = {stack.pid("probe-1"): processes.born(stack.pid("probe-1"))}

    assert [] == alive(started)


async def test_one_stack_per_folder(stacks: MakeStack, infrastructure: Infrastructure) -> None:
    """A second `make up` says what runs and how to stop it."""
    async with stacks(services=[PROBE], infrastructure=infrastructure) as stack:
        again = Stack(services=[PROBE], run_dir=stack.folder.path, infrastructure=infrastructure)
        with pytest.raises(AlreadyRunning, match=str(os.getpid())):
            await again.__aenter__()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_everything(tmp_path: Path, sign: signal.Signals) -> None:
    """Ctrl-C at any point stops everything cleanly and nothing stays behind."""
    with whole_stack(tmp_path) as supervisor:
        parts = pids(tmp_path)
        supervisor.send_signal(sign)

        assert 130 == supervisor.wait(30)
    assert [] == alive(parts)
    assert not (tmp_path / "endpoints.json").exists()


async def test_a_supervisor_killed_without_a_word_leaves_nothing(tmp_path: Path) -> None:
    """The kernel ends broker, database and services with it; the folder can be used again."""
    with whole_stack(tmp_path) as supervisor:
        parts = pids(tmp_path)
        supervisor.kill()
    assert await gone(parts)

    folder = RunFolder(tmp_path)
    folder.claim()
    folder.release()


async def test_a_killed_database_is_started_again(tmp_path: Path) -> None:
    """The supervisor watches broker and database as it watches the services."""
    async with Stack(services=[PROBE], run_dir=tmp_path, disposable=True) as stack:
        with psycopg.connect(stack.admin, autocommit=True) as admin:
            admin.execute("create table public.kept as select 1 as n")
        stack.kill("postgres")
        while not stack.restarts["postgres"]:
            await asyncio.sleep(0.02)
        async with asyncio.timeout(20):
            while not _kept(stack.admin):
                await asyncio.sleep(0.05)


def _kept(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn, connect_timeout=2) as admin:
            return admin.execute("select n from public.kept").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
