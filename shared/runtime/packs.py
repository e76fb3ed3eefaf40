"""Reads a region pack's YAML files, types them and refuses a faulty pack with file, line and reason."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.pack import Pack, Problem, ProblemReason, build, misshapen, validate

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Fault:
    """One fault with where it stands; `line` counts from 1, None where no file could be named."""

    file: str | None
    line: int | None
    problem: Problem

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return f"{where or 'pack'}: {self.problem}"


class PackRefusedError(Exception):
    """A region pack that must not be used; `faults` holds everything that is wrong with it."""

    def __init__(self, folder: Path, faults: list[Fault]) -> None:
        self.faults = faults
        listed = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"region pack {folder.name} has {len(faults)} fault(s):\n{listed}")


def load_pack(folder: Path) -> Pack:
    """Return the pack in *folder* (every `*.yaml`, top-level keys are sections).

    Raises PackRefusedError naming all faults at once, as far as the files can be read.
    """
    content: dict[str, Any] = {}
    owners: dict[str, Path] = {}
    faults: list[Fault] = []
    if not list(folder.glob("*.yaml")):
        raise PackRefusedError(folder, [_fault(ProblemReason.UNREADABLE, "no *.yaml files here")])
    for file in sorted(folder.glob("*.yaml")):
        try:
            document = _read(file)
        except yaml.YAMLError as error:
            faults.append(_unreadable(file, error))
            continue
        for section in document.keys() & owners.keys():
            text = f"section {section} also stands in {owners[section].name}"
            faults.append(_located(owners, Problem((section,), ProblemReason.DUPLICATE, text)))
        content.update(document)
        owners.update(dict.fromkeys(document, file))
    if faults:
        raise PackRefusedError(folder, faults)
    return _typed(folder, content, owners)


def _typed(folder: Path, content: Mapping[str, Any], owners: Mapping[str, Path]) -> Pack:
    shape = misshapen(content)
    if shape:
        raise PackRefusedError(folder, [_located(owners, problem) for problem in shape])
    pack = build(content)
    found = [_located(owners, problem) for problem in validate(pack)]
    if found:
        raise PackRefusedError(folder, found)
    return pack


class _Strict(_Loader):  # type: ignore[misc, valid-type]
    """A safe loader that refuses a key given twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the library's signature
        seen: set[tuple[str, str]] = set()
        for child, _ in node.value:
            if (child.tag, str(child.value)) in seen:
                text = f"key {child.value} stands twice"
                raise yaml.constructor.ConstructorError(None, None, text, child.start_mark)
            seen.add((child.tag, str(child.value)))
        return dict(super().construct_mapping(node, deep=deep))


def _read(file: Path) -> dict[str, Any]:
    document = yaml.load(file.read_bytes(), _Strict)  # noqa: S506 - a safe loader, made stricter
    if not isinstance(document, dict):
        raise yaml.YAMLError("a pack file is a mapping of sections")
    return document


def _unreadable(file: Path, error: yaml.YAMLError) -> Fault:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error)
    line = mark.line + 1 if mark else None
    return Fault(file.name, line, Problem((), ProblemReason.UNREADABLE, str(problem)))


def _fault(reason: ProblemReason, text: str) -> Fault:
    return Fault(None, None, Problem((), reason, text))


def _located(owners: Mapping[str, Path], problem: Problem) -> Fault:
    """Find the line a problem's path leads to, as deep as the file has it."""
    section = str(problem.path[0]) if problem.path else ""
    if section not in owners:
        return Fault(None, None, problem)
    file = owners[section]
    node = yaml.compose(file.read_bytes(), _Loader)
    line = node.start_mark.line + 1 if node else 1
    for step in problem.path:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return Fault(file.name, line, problem)


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item.start_mark.line + 1, item
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    return None
