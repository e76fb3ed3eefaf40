"""Every answer that refuses something: one name, one status, Chinese and English."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Meaning(NamedTuple):
    """HTTP status and what a person reads."""

    status: int
    zh: str
    en: str


class Problem(StrEnum):
    """Named reasons; the last part of the problem document's `type`."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    INVALID_BODY = "invalid_body"
    INVALID_FIELDS = "invalid_fields"
    WRONG_CHARSET = "wrong_charset"
    UNSUPPORTED_MEDIA = "unsupported_media"
    TOO_LARGE = "too_large"
    CONFLICTING_BODY = "conflicting_body"
    PURGED = "purged"
    BUSY = "busy"
    NOT_DURABLE = "not_durable"
    COMMAND_ID_MISSING = "command_id_missing"
    COMMAND_ID_REUSED = "command_id_reused"
    TRANSITION_REFUSED = "transition_refused"
    INTERNAL = "internal"

    @property
    def meaning(self) -> Meaning:
        """Status and texts."""
        return MEANINGS[self]


MEANINGS: dict[Problem, Meaning] = {
    Problem.UNAUTHENTICATED: Meaning(401, "缺少密钥或密钥无效", "no key, or a key we do not know"),
    Problem.FORBIDDEN: Meaning(403, "该密钥无权执行此操作", "this key does not grant that"),
    Problem.NOT_FOUND: Meaning(404, "没有这条记录", "there is no such record"),
    Problem.INVALID_BODY: Meaning(400, "请求体无法解析", "the body cannot be read"),
    Problem.INVALID_FIELDS: Meaning(
        400, "字段缺失或有误,已全部列出", "fields are missing or wrong; all are listed"
    ),
    Problem.WRONG_CHARSET: Meaning(
        400, "字符集与该来源的配置不符", "the character set is not the one configured"
    ),
    Problem.UNSUPPORTED_MEDIA: Meaning(
        415, "不支持的内容类型", "this content type is not read here"
    ),
    Problem.TOO_LARGE: Meaning(413, "请求体过大", "the body is too large"),
    Problem.CONFLICTING_BODY: Meaning(
        409,
        "同一编号已有不同内容(严格来源)",
        "this number is known with another body (strict source)",
    ),
    Problem.PURGED: Meaning(
        410,
        "该记录的保存期已满,内容已清除,不再接收其更新",
        "its retention has ended and what it said is gone; nothing more is taken in for it",
    ),
    Problem.BUSY: Meaning(
        429, "队列已满,请按 Retry-After 重发", "the queue is full; send again after Retry-After"
    ),
    Problem.NOT_DURABLE: Meaning(
        503, "暂时无法落盘,可安全重发", "cannot be made durable now; safe to send again"
    ),
    Problem.COMMAND_ID_MISSING: Meaning(
        400, "缺少 Idempotency-Key", "the Idempotency-Key header is missing"
    ),
    Problem.COMMAND_ID_REUSED: Meaning(
        422,
        "该 Idempotency-Key 已用于另一请求",
        "this Idempotency-Key was used for another request",
    ),
    Problem.TRANSITION_REFUSED: Meaning(
        409, "当前状态不允许此操作", "the present state does not allow this"
    ),
    Problem.INTERNAL: Meaning(500, "内部错误,已记录", "internal error, recorded"),
}
