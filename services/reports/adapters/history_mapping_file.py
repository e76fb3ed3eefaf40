"""Reads a mapping file; what is wrong in it is named with file, line, field and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

from services.reports.adapters.history_source import HistoryRefused
from services.reports.domain.history_mapping import Mapping, WrongMapping, checked

_DESCRIBED = "docs/import/README.md describes each field"


def read_mapping(path: Path) -> Mapping:
    """Read the mapping in *path*; raises HistoryRefused with line, field and what to do."""
    try:
        text = path.read_text("utf-8")
    except OSError as away:
        raise HistoryRefused(
            f"mapping {path}: {away.strerror}; name a file that can be read"
        ) from away
    except UnicodeDecodeError as wrong:
        raise HistoryRefused(f"mapping {path} is not YAML in UTF-8: {wrong}") from wrong
    try:
        return checked(msgspec.convert(yaml.safe_load(text), Mapping))
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        said = getattr(wrong, "problem", None) or str(wrong)
        raise HistoryRefused(f"mapping {path}{line} is not YAML in UTF-8: {said}") from wrong
    except msgspec.ValidationError as wrong:
        said = _where(str(wrong), _path_of(str(wrong)), path, text)
        if "Expected `str`, got" in said:
            said += "; YAML reads no, on, off and numbers as something else: put it in quotes"
        raise HistoryRefused(f"{said}\ncorrect it; {_DESCRIBED}") from wrong
    except WrongMapping as wrong:
        said = "\n".join(
            _where(each, each.partition(":")[0].split("."), path, text)
            for each in str(wrong).splitlines()
        )
        raise HistoryRefused(f"{said}\ncorrect it; {_DESCRIBED}") from wrong


def _path_of(said: str) -> list[str]:
    """Return the path msgspec names, and the unknown field it complains of."""
    unknown = re.search(r"unknown field `([^`]+)`", said)
    found = re.search(r"at `\$([^`]*)`", said) or re.search(r"at `key in \$([^`]*)`", said)
    path = re.findall(r"[^.\[\]]+", found[1]) if found else []
    return [*path, unknown[1]] if unknown else path


def _where(said: str, path: list[str], file: Path, text: str) -> str:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = max(_lines(node, path), default=1)
    return f"mapping {file}, line {line}: {said}"


def _lines(node: yaml.Node | None, path: list[str]) -> Iterator[int]:
    """Yield the lines of the nodes along *path*, as far as they exist."""
    for name in path:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == name), None)
            if found is None:
                return
            yield found[0].start_mark.line + 1
            node = found[1]
        elif isinstance(node, yaml.SequenceNode) and name.isdigit():
            node = node.value[int(name)] if int(name) < len(node.value) else None
            if node is not None:
                yield node.start_mark.line + 1
