"""How the hot doors read in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from services.intake.domain import call_record, order
from shared.contracts.problems import Problem

_KEY = {"name": "Authorization", "in": "header", "required": True, "schema": {"type": "string"}}
_SOURCE = {"name": "source", "in": "path", "required": True, "schema": {"type": "string"}}
_EXERCISE = {
    "name": "X-Exercise",
    "in": "header",
    "description": "true: 演练 (scope exercise)",
    "schema": {"type": "string"},
}
_PROBLEMS = (
    Problem.INVALID_FIELDS,
    Problem.UNAUTHENTICATED,
    Problem.FORBIDDEN,
    Problem.CONFLICTING_BODY,
    Problem.PURGED,
    Problem.TOO_LARGE,
    Problem.UNSUPPORTED_MEDIA,
    Problem.BUSY,
    Problem.NOT_DURABLE,
)
_ANSWERS = {
    "202": {"description": "已落盘:新记录或新版本 · durable: new, or a new revision"},
    "200": {"description": "同一内容的重发,编号相同 · a repeat of the same body, the same ids"},
    "207": {"description": "NDJSON 逐行应答,状态不一 · one answer a line, their statuses differ"},
    **{
        str(p.meaning.status): {"description": f"{p.meaning.zh} · {p.meaning.en}"}
        for p in _PROBLEMS
    },
}


def _post(summary: str, description: str) -> dict[str, Any]:
    record = {"schema": {"type": "object"}}
    lines = {"schema": {"type": "string", "description": "one record a line"}}
    return {
        "post": {
            "summary": summary,
            "description": description,
            "parameters": [_SOURCE, _KEY, _EXERCISE],
            "requestBody": {
                "required": True,
                "content": {"application/json": record, "application/x-ndjson": lines},
            },
            "responses": _ANSWERS,
        }
    }


def _either(names: tuple[str, ...]) -> str:
    return " / ".join(f"`{name}`" for name in names)


FEED_PATHS: dict[str, Any] = {
    "/v1/feeds/{source}/calls": _post(
        "接警单 / 12345 工单 · call records and orders",
        "110, 119, 122: `jjdbh`, `bjsj`, `bjnr` are required; place "
        + _either(call_record.PLACE)
        + ", kind `bjlb` `bjlx` `bjxl`, area `afxzqh`, scene `fxdwjd` `fxdwwd`. 12345: number "
        + _either(order.NUMBER)
        + ", received "
        + _either(order.RECEIVED)
        + " and content "
        + _either(order.CONTENT)
        + " are required. Unknown fields go into the vault, encrypted.",
    ),
    "/v1/feeds/{source}/handling": _post(
        "处警单 / 反馈单 · handling records and feedback sheets",
        "`fkdbh` or `cjdbh`, `jjdbh` and `cjdwbm` or `cjdwmc` are required; stamps `pdjssj`, "
        "`ddxcsj`, `cjwbsj` / `clwbsj`; sheet `cljg`, `fknr`; of `cdry` and `cdcl` only the count "
        "is kept.",
    ),
}
