"""A faulty pack is refused whole: every fault at once, each with file, line and named reason."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import msgspec
import pytest

from shared.contracts.pack import Problem, ProblemReason, build, misshapen, validate
from shared.runtime.packs import PackRefusedError, load_pack

XIANJU = Path(__file__).parents[3] / "deploy" / "regions" / "xianju"
Raw = dict[str, Any]


@pytest.fixture(scope="module")
def content() -> bytes:
    """Xianju as plain values, packed so that no test can spoil another's."""
    return msgspec.msgpack.encode(load_pack(XIANJU))


def faults(content: bytes, change: Callable[[Raw], object]) -> list[Problem]:
    """Return what is wrong with xianju after *change*."""
    raw: Raw = msgspec.json.decode(msgspec.json.encode(msgspec.msgpack.decode(content)))
    change(raw)
    return validate(build(raw))


def unit(raw: Raw, wanted: str) -> Raw:
    """Return the unit called *wanted*."""
    return next(unit for unit in raw["units"] if unit["id"] == wanted)


def test_the_pack_itself_is_sound(content: bytes) -> None:
    """The counter-check of all tests below."""
    assert [] == faults(content, lambda _: None)


CASES: dict[str, tuple[Callable[[Raw], object], ProblemReason, str]] = {
    "unknown base": (
        lambda raw: raw["units"][0].update(base="331024999"),
        ProblemReason.UNKNOWN_NAME,
        "units.0.base",
    ),
    "unknown backup": (
        lambda raw: raw["units"][0].update(backup="xj-nobody"),
        ProblemReason.UNKNOWN_NAME,
        "units.0.backup",
    ),
    "special period that ends before it begins": (
        lambda raw: raw["region"].update(
            special_periods=[{"name": "冬季", "first": "2026-12-02", "last": "2026-12-01"}]
        ),
        ProblemReason.CONTRADICTION,
        "region.special_periods.0.last",
    ),
    "own backup": (
        lambda raw: raw["units"][0].update(backup="xj-rescue"),
        ProblemReason.CONTRADICTION,
        "units.0.backup",
    ),
    "unknown department": (
        lambda raw: raw["units"][0].update(department="nowhere"),
        ProblemReason.UNKNOWN_NAME,
        "units.0.department",
    ),
    "unknown capability": (
        lambda raw: raw["categories"][1].update(capabilities=["magic"]),
        ProblemReason.UNKNOWN_NAME,
        "categories.1.capabilities.0",
    ),
    "unknown row": (
        lambda raw: raw["categories"][1].update(row="nothing"),
        ProblemReason.UNKNOWN_NAME,
        "categories.1.row",
    ),
    "unknown category of a code": (
        lambda raw: raw["sources"][0]["category_codes"].update({"77": "magic"}),
        ProblemReason.UNKNOWN_NAME,
        "sources.0.category_codes.77",
    ),
    "unknown superior": (
        lambda raw: raw["departments"][0].update(superior="post-none"),
        ProblemReason.UNKNOWN_NAME,
        "departments.0.superior",
    ),
    "unknown lead": (
        lambda raw: raw["routes"]["children"][0]["set"].update(
            lead=[{"by": "unit", "unit": "xj-nobody"}]
        ),
        ProblemReason.UNKNOWN_NAME,
        "routes.children.0.set.lead.0.unit",
    ),
    "unknown area of a route": (
        lambda raw: raw["routes"]["children"][0]["match"].update(areas=["331024999"]),
        ProblemReason.UNKNOWN_NAME,
        "routes.children.0.match.areas.0",
    ),
    "unknown word of an open enumeration": (
        lambda raw: raw["clocks"][0].update(clock="arival"),
        ProblemReason.UNKNOWN_WORD,
        "clocks.0.clock",
    ),
    "unknown relation of a rule": (
        lambda raw: raw["clocks"][0]["match"].update(relations=["county_twon"]),
        ProblemReason.UNKNOWN_WORD,
        "clocks.0.match.relations.0",
    ),
    "another place's rule": (
        lambda raw: raw["clocks"][4].update(id="R06"),
        ProblemReason.FOREIGN_RULE,
        "clocks.4.id",
    ),
    "working time": (
        lambda raw: raw["clocks"][4].update(unit="working_hour"),
        ProblemReason.NOT_YET,
        "clocks.4.unit",
    ),
    "a tie": (
        lambda raw: raw["clocks"].append({**raw["clocks"][0], "id": "R01-TWIN"}),
        ProblemReason.TIE,
        "clocks.12",
    ),
    "understaffed": (
        lambda raw: unit(raw, "xj-militia").update(staff=49),
        ProblemReason.UNDERSTAFFED,
        "units.2.staff",
    ),
    "overstaffed": (
        lambda raw: unit(raw, "xj-opinion").update(staff=21),
        ProblemReason.OVERSTAFFED,
        "units.38.staff",
    ),
    "another minimum than P17's": (
        lambda raw: unit(raw, "xj-militia").update(min_staff=40),
        ProblemReason.CONTRADICTION,
        "units.2.min_staff",
    ),
    "root with a match": (
        lambda raw: raw["routes"]["match"].update(lines=["110"]),
        ProblemReason.CANNOT_ANSWER,
        "routes.match",
    ),
    "root without a lead": (
        lambda raw: raw["routes"]["set"].update(lead=None),
        ProblemReason.CANNOT_ANSWER,
        "routes.set",
    ),
    "a lead that may find nobody": (
        lambda raw: raw["routes"]["children"][0]["set"].update(lead=[{"by": "township_of_scene"}]),
        ProblemReason.CANNOT_ANSWER,
        "routes.children.0.set",
    ),
    "a route behind a wider one": (
        lambda raw: raw["routes"]["children"].append(
            {
                **raw["routes"]["children"][5],
                "id": "late",
                "match": {"categories": ["fire.vehicle"]},
            }
        ),
        ProblemReason.UNREACHABLE,
        "routes.children.32",
    ),
    "a child its parent shuts out": (
        lambda raw: raw["routes"]["children"][3]["children"].append(
            {"id": "never", "version": 1, "match": {"categories": ["fire"]}}
        ),
        ProblemReason.UNREACHABLE,
        "routes.children.3.children.2",
    ),
    "a route's id twice": (
        lambda raw: raw["routes"]["children"][0].update(id="threat"),
        ProblemReason.DUPLICATE,
        "routes.children.0.id",
    ),
    "a capability nobody has": (
        lambda raw: unit(raw, "xj-geology").update(capabilities=[]),
        ProblemReason.NOBODY_ABLE,
        "categories.36",
    ),
    "a unit twice": (
        lambda raw: raw["units"][1].update(id="xj-rescue"),
        ProblemReason.DUPLICATE,
        "units.1.id",
    ),
    "no desk": (
        lambda raw: unit(raw, "xj-desk").update(kind="standing"),
        ProblemReason.NO_DESK,
        "units",
    ),
    "a team too few": (
        lambda raw: unit(raw, "xj-opinion").update(ours=True),
        ProblemReason.WRONG_COUNT,
        "region.expects.teams",
    ),
    "one channel for an order": (
        lambda raw: raw["notices"]["rules"][0].update(channels=["sms"]),
        ProblemReason.NOT_TOLD,
        "notices.rules",
    ),
    "a place that contradicts its point": (
        lambda raw: raw["drill"]["places"][0].update(at_seat=False),
        ProblemReason.CONTRADICTION,
        "drill.places.0",
    ),
    "a kind its source cannot write": (
        lambda raw: raw["drill"]["kinds"][0].update(category="city.vendor"),
        ProblemReason.UNKNOWN_NAME,
        "drill.kinds.0",
    ),
    "an unknown character set": (
        lambda raw: raw["sources"][0].update(charset="gb99999"),
        ProblemReason.UNKNOWN_NAME,
        "sources.0.charset",
    ),
    "an unknown time zone": (
        lambda raw: raw["region"].update(time_zone="Asia/Xianju"),
        ProblemReason.UNKNOWN_NAME,
        "region.time_zone",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named_with_its_place(content: bytes, name: str) -> None:
    """A rule that names an unknown key, unit or field refuses to load (DOMAIN 5)."""
    change, reason, path = CASES[name]
    found = {
        (problem.reason, ".".join(map(str, problem.path))) for problem in faults(content, change)
    }

    assert (reason, path) in found


def test_all_faults_are_named_at_once(content: bytes) -> None:
    """One run of the check shows everything, not the first."""

    def spoil(raw: Raw) -> None:
        for name in ("unknown base", "a tie", "an unknown time zone", "root without a lead"):
            CASES[name][0](raw)

    found = {problem.reason for problem in faults(content, spoil)}

    assert {
        ProblemReason.UNKNOWN_NAME,
        ProblemReason.TIE,
        ProblemReason.CANNOT_ANSWER,
    } <= found


@pytest.mark.parametrize(
    ("file", "old", "new", "reason", "line"),
    [
        ("units.yaml", "backup: xj-crowd", "backup: xj-nobody", ProblemReason.UNKNOWN_NAME, None),
        ("clocks.yaml", "clock: arrival", "clock: arival", ProblemReason.UNKNOWN_WORD, 8),
        ("clocks.yaml", "value: 20", "value: many", ProblemReason.WRONG_SHAPE, 9),
        ("clocks.yaml", "value: 20", "valeu: 20", ProblemReason.WRONG_SHAPE, 5),
        ("clocks.yaml", "value: 20", "value: 20\n    value: 21", ProblemReason.UNREADABLE, 10),
        ("clocks.yaml", "clocks:", "clocks: [", ProblemReason.UNREADABLE, None),
        ("notices.yaml", "notices:", "drill:", ProblemReason.DUPLICATE, None),
    ],
)
def test_a_file_is_refused_with_its_line(
    tmp_path: Path, file: str, old: str, new: str, reason: ProblemReason, line: int | None
) -> None:
    """`check` names file, line and reason (DOMAIN 6)."""
    folder = tmp_path / "xianju"
    copytree(XIANJU, folder)
    text = (folder / file).read_text(encoding="utf-8")
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(PackRefusedError) as refused:
        load_pack(folder)

    named = [fault for fault in refused.value.faults if fault.problem.reason is reason]
    assert named
    assert all(fault.file for fault in named)
    assert line is None or line in {fault.line for fault in named}


def test_an_empty_folder_is_no_pack(tmp_path: Path) -> None:
    """A wrong path is said plainly."""
    with pytest.raises(PackRefusedError, match=r"no \*\.yaml files"):
        load_pack(tmp_path)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    """YAML would keep the last one silently."""
    (tmp_path / "region.yaml").write_text("region: {code: a, code: b}\n", encoding="utf-8")

    with pytest.raises(PackRefusedError, match="code stands twice"):
        load_pack(tmp_path)


def test_every_misshapen_row_is_named_at_once() -> None:
    """A wrong word in one row does not hide a missing field in another."""
    raw: Raw = msgspec.json.decode(msgspec.json.encode(load_pack(XIANJU)))
    raw["units"][3]["kind"] = "brigade"
    del raw["units"][7]["base"]
    del raw["drill"]
    raw["magic"] = {}
    raw["clocks"][0]["match"]["relations"] = "own_seat"

    assert [] == misshapen(msgspec.json.decode(msgspec.json.encode(load_pack(XIANJU))))
    assert {
        ("magic",),
        ("drill",),
        ("units", 3, "kind"),
        ("units", 7),
        ("clocks", 0, "match", "relations"),
    } == {problem.path for problem in misshapen(raw)}
