"""Who may import whom (ARCHITECTURE §5): read from the code's own imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.contracts.consumers import CONSUMERS
from shared.contracts.topics import TOPICS

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("intake", "router", "sla", "notify", "reports", "drill")
WORLD = {
    "asyncpg", "aiokafka", "fastapi", "starlette", "uvicorn", "httpx", "aiohttp", "faust", "psycopg", "jinja2",
    "xlsxwriter", "openpyxl", "cryptography", "prometheus_client", "yaml", "duckdb",
    "pyarrow", "adbc_driver_postgresql", "adbc_driver_manager",
}  # fmt: skip
FORBIDDEN_NAMES = {"utils", "common", "helpers", "base", "manager"}
CLOCK_OWNERS = {"datetime", "date", "time", "datetime.datetime"}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter"}


def modules(folder: str) -> Iterator[tuple[str, Path, ast.Module]]:
    """Yield dotted name, path and tree of every module under *folder*."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        yield name, path, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> set[str]:
    """Return every module imported anywhere in *tree*; relative imports start with a dot."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def within(name: str, *parents: str) -> bool:
    """Say whether module *name* is one of *parents* or inside it."""
    return any(name == p or name.startswith(f"{p}.") for p in parents)


def domains() -> Iterator[tuple[str, ast.Module, str]]:
    """Yield the modules of every service's domain, with the domain's own name."""
    for service in SERVICES:
        for name, _, tree in modules(f"services/{service}/domain"):
            yield name, tree, f"services.{service}.domain"


def test_a_domain_imports_the_standard_library_itself_and_the_contracts_only() -> None:
    """`domain/` decides: no framework, no adapter, no runtime."""
    wrong = [
        (name, imported)
        for name, tree, own in domains()
        for imported in imports(tree)
        if imported.split(".", 1)[0] not in sys.stdlib_module_names
        and not within(imported, own, "shared.contracts")
        # the language events are written in
        and not within(imported, "msgspec")
    ]

    assert [] == wrong


def test_a_domain_neither_waits_nor_reads_a_clock_nor_logs() -> None:
    """The domain is a function of (state, event, now, policy)."""
    wrong = []
    for name, tree, _ in domains():
        for node in ast.walk(tree):
            if isinstance(node, (ast.Await, ast.AsyncFunctionDef)):
                wrong.append((name, node.lineno, "await"))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = ast.unparse(node.func.value)
                if node.func.attr in CLOCKS and owner in CLOCK_OWNERS:
                    wrong.append((name, node.lineno, ast.unparse(node.func)))
        if imports(tree) & {"logging", "structlog", "asyncio"}:
            wrong.append((name, 1, "logging or asyncio"))

    assert [] == wrong


def test_only_adapters_and_main_touch_the_world() -> None:
    """`adapters/` are the only importers of drivers and frameworks; `__main__` wires them."""
    wrong = [
        (name, imported)
        for name, _, tree in modules("services")
        for imported in imports(tree)
        if imported.split(".", 1)[0] in WORLD
        and ".adapters" not in name
        and not name.endswith("__main__")
    ]

    assert [] == wrong


def test_handlers_and_ports_know_no_adapter() -> None:
    """Handlers ◄── adapters would turn the arrow round."""
    wrong = [
        (name, imported)
        for name, _, tree in modules("services")
        for imported in imports(tree)
        if ".adapters" not in name
        and not name.endswith("__main__")
        and ".adapters" in imported
        # a command line is wiring too
        and not name.endswith(".cli")
    ]

    assert [] == wrong


def test_a_service_imports_no_other_service() -> None:
    """Services speak over topics and doors."""
    wrong = [
        (name, imported)
        for name, _, tree in modules("services")
        for imported in imports(tree)
        if within(imported, "services") and imported.split(".")[:2] != name.split(".")[:2]
    ]

    assert [] == wrong


def test_shared_imports_no_service_and_contracts_no_runtime() -> None:
    """Contracts ◄── runtime ◄── services."""
    wrong = [
        (name, imported)
        for name, _, tree in modules("shared")
        for imported in imports(tree)
        if within(imported, "services", "deploy", "tests", "benchmarks")
        or (within(name, "shared.contracts") and within(imported, "shared.runtime"))
    ]

    assert [] == wrong


def test_contracts_do_no_input_or_output() -> None:
    """`shared/contracts` is pure."""
    world = WORLD | {"pathlib", "os", "io", "asyncio", "socket", "subprocess"}

    assert [] == [
        (name, imported)
        for name, _, tree in modules("shared/contracts")
        for imported in imports(tree)
        if imported.split(".", 1)[0] in world
    ]


def test_imports_are_absolute_and_no_module_is_a_drawer() -> None:
    """There is no utils, common, helpers, base or manager."""
    trees = [
        m
        for folder in ("services", "shared", "deploy", "benchmarks", "tests")
        for m in modules(folder)
    ]

    assert [] == [(n, i) for n, _, tree in trees for i in imports(tree) if i.startswith(".")]
    assert [] == [n for n, _, _ in trees if set(n.split(".")) & FORBIDDEN_NAMES]


def test_shared_holds_two_packages() -> None:
    """Contracts and runtime, nothing else."""
    assert {"contracts", "runtime"} == {
        p.name for p in (ROOT / "shared").iterdir() if p.is_dir() and p.name != "__pycache__"
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_entries(service: str) -> None:
    """Who knows one knows all."""
    folder = ROOT / "services" / service
    wanted = {"__main__.py", "config.py", "domain", "handlers.py", "ports.py", "adapters"}
    if service != "drill":  # owns nothing
        wanted.add("migrations")

    assert set() == wanted - {p.name for p in folder.iterdir()}


def test_every_consumed_topic_is_in_the_registry() -> None:
    """Offsets are seeded for exactly these consumers."""
    heard = {topic for topics in CONSUMERS.values() for topic in topics}

    assert set() == heard - set(TOPICS)
    assert {c.split(".", 1)[0] for c in CONSUMERS} <= set(SERVICES)
